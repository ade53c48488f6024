"""From what stands in the way of a change of a group to what its caller is told."""

from typing import assert_never

from persistence.groups.views import AtLimit, LastOwner, NoSuchMember, NoSuchPicture, NotAGroup, NotAllowed, Refused
from persistence.members.views import NotAMember
from shared.http.errors import ApiError, at_limit, forbidden, not_a_group, not_allowed, not_found


def refusal(found: Refused) -> ApiError:
    match found:
        case NotAMember():
            return forbidden()
        case NotAGroup():
            return not_a_group()
        case NotAllowed():
            return not_allowed("your role in this group does not do")
        case NoSuchMember():
            return not_found("there is no such member in this group")
        case LastOwner():
            return ApiError(409, "last_owner", "nobody else owns this group: make another one its owner first")
        case NoSuchPicture():
            return not_found("there is no such file of yours that is ready, announced as an avatar")
        case AtLimit(what):
            return at_limit(what)
    assert_never(found)
