from hostile.test_database_rights import (  # noqa
    test_a_user_who_may_do_more_than_a_copy_needs_loads_none_and_a_dry_run_says_so as test_a,
)
from sync.conftest import root_rig, root_shared  # noqa
from sync.test_sync_places import test_whom_only_an_access_list_lets_write_there_counts_as_well as test_b  # noqa
from sync.test_sync_powers import test_what_cannot_be_listed_to_its_end_is_not_said_to_hold_none as test_c  # noqa
