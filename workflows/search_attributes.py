"""The search attributes of a life, in one place: registered by `worker.py --setup`, written by the workflow.

They are plain text for ever and lag behind: for finding lives, never for deciding. No name, number or birthday.
"""

from __future__ import annotations

from temporalio.common import SearchAttributeKey

# The pooling area (GB/T 2260) of the latest relation.
POOLING_AREA = SearchAttributeKey.for_keyword("PoolingArea")
# One of domain.status.Status.
ENROLLMENT_STATUS = SearchAttributeKey.for_keyword("EnrollmentStatus")
# What is open: matters with a deadline, effects under way, parked questions.
OPEN_MATTERS = SearchAttributeKey.for_keyword_list("OpenMatters")
# The next civil day on which something falls due, as the instant at which that day begins in China.
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")
# Whether a person must decide something.
PARKED = SearchAttributeKey.for_bool("Parked")
# With whom the person enrolled last: capacity and plan year, such as newborn-2017 or unit-2024.
COHORT = SearchAttributeKey.for_keyword("Cohort")
# The opaque key, so that a person's other workflows are found with their life.
PERSON_KEY = SearchAttributeKey.for_keyword("PersonKey")

SEARCH_ATTRIBUTES = (POOLING_AREA, ENROLLMENT_STATUS, OPEN_MATTERS, NEXT_DEADLINE, PARKED, COHORT, PERSON_KEY)
