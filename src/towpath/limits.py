"""Our own bounds, all in one place, with the relations that must hold between them.

A bound of the partner's is not ours: it stands with the partner, or is a setting of the app or the
connection. Units are in the names; people and rows are counted, bytes are bytes.
"""

# People and their sets.
PROFILE_NUMBER_MAX = 2**31 - 1
BLOCK_BITS = 16
EXTERNAL_ID_CHARS_MAX = 256
EMAIL_CHARS_MAX = 254
PERSON_TEXT_CHARS_MAX = 256
ATTRIBUTE_NAME_CHARS_MAX = 256
ATTRIBUTE_TEXT_CHARS_MAX = 10_000
ATTRIBUTES_PER_PROFILE_MAX = 256

# Waves.
WAVE_PEOPLE_MAX = 10_000
WAVES_PER_TICK_MAX = 128
WAVE_LEASE_S = 30
DELAY_S_MAX = 31 * 86_400

# The Canvas.
CANVAS_STEPS_MAX = 200
CANVAS_FILE_BYTES_MAX = 1_000_000
CANVAS_NAME_CHARS_MAX = 200
FILTER_DEPTH_MAX = 16
FILTER_RULES_MAX = 256
FILTER_LIST_MAX = 256

# Entry.
SCHEDULE_TIMES_MAX = 30
TRIGGERS_MAX = 30
CONTEXT_BYTES_MAX = 50_000
CONTEXT_NAMES_MAX = 50
ENTRY_KEY_CHARS_MAX = 256
ENTRY_FOLD_ROWS = 500
INTAKE_EVENTS_MAX = 5_000
EVENT_AGE_H_MAX = 24
API_RECIPIENTS_MAX = 50

# The ledger.
ARRIVAL_PEOPLE_MAX = WAVE_PEOPLE_MAX
FOLD_PEOPLE = 100_000
FOLD_LOG_ROWS = 2_000
FOLD_AGE_S = 3_600
CLAIM_REQUESTS_MAX = 32
SETTLE_REQUESTS_MAX = 32
SETTLE_WAIT_MS = 50
FLUSH_S = 5
WINDOW_S = 13 * 3_600
RETENTION_DAYS = 400
HALVED_PARTS_MAX = 8
OUTAGE_S = 60

# The audit.
AUDIT_FINDINGS_MAX = 100
AUDIT_LOG_ROWS = 500
AUDIT_FETCH_ROWS = 100

# HTTP.
ANSWER_BYTES_MAX = 4 * 2**20
REQUEST_DEADLINE_S_MAX = 120

# The API.
BODY_BYTES_MAX = 2**20
PAGE_ROWS_DEFAULT = 50
PAGE_ROWS_MAX = 500
CURSOR_CHARS_MAX = 2_000
API_KEY_KEPT_S = 0.5
API_KEY_USED_EVERY_S = 60
API_KEYS_KEPT_MAX = 10_000
NAME_CHARS_MAX = 200

# Files.
IMPORT_CHUNK_ROWS = 20_000
IMPORT_LINE_BYTES_MAX = 1_000_000

assert WAVE_PEOPLE_MAX <= 1 << BLOCK_BITS, "a wave must fit into a block, to move cheaply"
assert ARRIVAL_PEOPLE_MAX >= WAVE_PEOPLE_MAX, "a whole wave must fit into one arrival"
assert FOLD_PEOPLE >= ARRIVAL_PEOPLE_MAX, "the log must hold at least one arrival before a fold"
assert WAVE_LEASE_S < WINDOW_S, "a dead worker's wave must be free long before people give up"
assert FLUSH_S < WINDOW_S, "a flush must come before people give up"
