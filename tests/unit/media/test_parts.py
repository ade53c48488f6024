"""What the pieces of an upload cover, whoever wrote them."""

from hypothesis import given
from hypothesis import strategies as some

from media.parts import covered, key, length


@given(some.lists(some.tuples(some.integers(0, 30), some.integers(1, 10)), max_size=12))
def test_slices_cover_without_a_gap_all_that_lies_from_the_beginning_on(pieces: list[tuple[int, int]]) -> None:
    sizes = {key("u", start, f"w{number}"): size for number, (start, size) in enumerate(pieces)}
    there = {at for start, size in pieces for at in range(start, start + size)}
    end = next(at for at in range(100) if at not in there)

    found, at = covered(sizes), 0
    for one in found:
        start = int(one.key.rsplit("/", 1)[1][:15]) + one.start
        assert start == at
        assert one.start + one.length <= sizes[one.key]
        at += one.length
    assert length(found) == at == end
