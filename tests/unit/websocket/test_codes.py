import pytest

from gateway.websocket.codes import CloseCode, may_be_received

RECEIVABLE = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


def test_a_client_may_send_the_registered_the_library_and_the_private_codes_and_no_other() -> None:
    assert {code for code in range(65536) if may_be_received(code)} == RECEIVABLE


@pytest.mark.parametrize("code", [code for code in CloseCode if code not in (CloseCode.NO_STATUS, CloseCode.ABNORMAL)])
def test_every_code_of_ours_may_cross_the_wire(code: CloseCode) -> None:
    assert may_be_received(code)


def test_the_band_of_a_code_tells_whether_to_reconnect() -> None:
    private = [code for code in CloseCode if code >= 4000]
    assert {code.name for code in private if code < 4500} == {"TOKEN_REJECTED", "NO_PONG", "TOO_MANY_FRAMES"}
    assert {code.name for code in private if code >= 4500} == {
        "ORIGIN_REJECTED",
        "USER_BANNED",
        "SESSION_REVOKED",
        "TOO_MANY_CONNECTIONS",
    }
