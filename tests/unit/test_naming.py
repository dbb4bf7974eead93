from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import UsageError
from core.naming import server_or_site_named

if TYPE_CHECKING:
    from core.fleet import Fleet


@pytest.mark.parametrize(
    ("text", "name"), [("north", "north"), ("shop", "shop"), ("www.shop.test", "shop"), ("WWW.Shop.Test.", "shop")]
)
def test_a_server_or_site_is_known_by_its_name_and_a_site_by_each_of_its_names(
    fleet: Fleet, text: str, name: str
) -> None:
    assert server_or_site_named(text, fleet) == name


@pytest.mark.parametrize(("text", "hint"), [("nort", "Did you mean north?"), ("shopp", "Did you mean shop?")])
def test_a_typing_error_in_a_server_or_site_gets_the_nearest(fleet: Fleet, text: str, hint: str) -> None:
    with pytest.raises(UsageError, match="There is no server or site") as refused:
        server_or_site_named(text, fleet)
    assert refused.value.hint == hint
