/* Prove messages plain in one pass over their JSON text (core/plain.py says what plain means).
 *
 * A fast accept and nothing else: what is proved here, gate/check.py would accept as plain, too.
 * Whatever this file does not know (an escape in a key, a number of many digits, a field whose
 * schema demands more than a type) is a *doubt*, and Python judges that message alone. So no
 * verdict that a client can see is made here, and a doubt too many costs time, never a record.
 *
 * The text ends with a NUL that does not count, which stops every loop over single characters:
 * a NUL is no part of any JSON token. Nothing is allocated, nothing is written but what the
 * caller gave for it. gate/proof.py lays out the nodes and the fields, and calls this.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VERSION 2

/* What a value may be; gate/proof.py has the same numbers. */
enum { DOUBT, INTEGER, NUMBER, DECIMAL, BOOLEAN, STRING, TIMESTAMP, OBJECT, ARRAY, UNION };
enum { WHOLE = 1, FRACTIONS = 2, BOOLEANS = 4, TEXTS = 8 };

/* The bound of plain doubles in core/plain.py, which those integers have, too. */
#define UNION_BOUND ((int64_t)1 << 62)

enum { MAX_NUMBER_BYTES = 64, SAFE_DIGITS = 18, SAFE_EXPONENT = 300, DECIMAL_DIGITS = 9 };

typedef struct {
    int64_t kind;
    int64_t nullable;
    int64_t first;     /* an object's first field; an array's node of items; a union's members */
    int64_t count;     /* an object's fields */
    int64_t required;  /* how many of them must be there */
    int64_t low, high; /* bounds of an integer, or of a string's length in code points, also if
                          it is one of a union;
                          `high` of a decimal: the digits of its fraction */
} Node;

typedef struct {
    int64_t name; /* where its name begins */
    int64_t size; /* bytes of its name */
    int64_t node;
    int64_t required;
    int64_t sorted; /* the n-th of an object: which of its fields is the n-th by name */
} Field;

typedef struct {
    const uint8_t *at, *end;
    const Node *nodes;
    const Field *fields;
    const uint8_t *names;
    int32_t *seen; /* for each field, the object it was last seen in */
    int32_t objects;
    int32_t points;
} Scan;

static inline uint64_t eight(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline void space(Scan *s) {
    while (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t') s->at++;
}

static inline bool eat(Scan *s, uint8_t wanted) {
    space(s);
    if (*s->at != wanted) return false;
    s->at++;
    space(s);
    return true;
}

static inline bool word(Scan *s, const char *wanted, size_t size) {
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, wanted, size)) return false;
    s->at += size;
    return true;
}

static inline bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* Bytes that end a run of plain ASCII within a string: quote, backslash, controls, non-ASCII. */
static inline uint64_t ends_run(uint64_t word) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    return (word | ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (word - ones * 0x20)) &
           tops;
}

static int32_t four_hex(const uint8_t *at, const uint8_t *end) {
    int32_t value = 0;
    if (end - at < 4) return -1;
    for (int n = 0; n < 4; n++) {
        uint8_t c = at[n], low = c | 0x20;
        if (!is_digit(c) && (low < 'a' || low > 'f')) return -1;
        value = value * 16 + (is_digit(c) ? c - '0' : low - 'a' + 10);
    }
    return value;
}

/* Each character of more than one byte is counted in `surplus`: its bytes but one. */
static bool escape(Scan *s, int64_t *surplus) {
    uint8_t kind = s->at[1];
    if (kind != 'u') {
        if (!kind || !strchr("\"\\/bfnrt", kind)) return false;
        s->at += 2;
        *surplus += 1;
        return true;
    }
    int32_t code = four_hex(s->at + 2, s->end);
    if (code < 0 || (code >= 0xDC00 && code < 0xE000)) return false;
    s->at += 6;
    *surplus += 5;
    if (code < 0xD800 || code >= 0xE000) return true;
    if (s->at[0] != '\\' || s->at[1] != 'u') return false; /* half of a pair */
    code = four_hex(s->at + 2, s->end);
    if (code < 0xDC00 || code >= 0xE000) return false;
    s->at += 6;
    *surplus += 6;
    return true;
}

/* One character of two to four bytes, in its only form (RFC 3629). */
static bool many_bytes(Scan *s, int64_t *surplus) {
    const uint8_t *c = s->at;
    int more = c[0] >= 0xF0 ? 3 : c[0] >= 0xE0 ? 2 : 1;
    if (c[0] < 0xC2 || c[0] > 0xF4 || s->end - c <= more) return false;
    uint8_t least = c[0] == 0xE0 ? 0xA0 : c[0] == 0xF0 ? 0x90 : 0x80;
    uint8_t most = c[0] == 0xED ? 0x9F : c[0] == 0xF4 ? 0x8F : 0xBF;
    if (c[1] < least || c[1] > most) return false;
    for (int n = 2; n <= more; n++)
        if ((c[n] & 0xC0) != 0x80) return false;
    s->at += more + 1;
    *surplus += more;
    return true;
}

static bool string(Scan *s, int64_t low, int64_t high) {
    if (*s->at != '"') return false;
    const uint8_t *begin = ++s->at;
    int64_t surplus = 0;
    for (;;) {
        while (s->end - s->at >= 8 && !ends_run(eight(s->at))) s->at += 8;
        while (*s->at >= 0x20 && *s->at < 0x80 && *s->at != '"' && *s->at != '\\') s->at++;
        if (*s->at == '"') break;
        if (*s->at < 0x20) return false;
        if (*s->at == '\\' ? !escape(s, &surplus) : !many_bytes(s, &surplus)) return false;
    }
    int64_t length = s->at++ - begin - surplus;
    return low <= length && length <= high;
}

/* Digits of a whole number, without a sign; how many, 0 if it is not written as JSON has it. */
static int64_t digits(Scan *s, uint64_t *value) {
    const uint8_t *begin = s->at;
    *value = 0;
    while (is_digit(*s->at) && s->at - begin < 20) *value = *value * 10 + (*s->at++ - '0');
    int64_t count = s->at - begin;
    return *begin == '0' && count > 1 ? 0 : count;
}

static bool integer(Scan *s, int64_t low, int64_t high) {
    uint64_t most = INT64_MAX, value;
    bool negative = *s->at == '-';
    s->at += negative;
    int64_t count = digits(s, &value);
    if (!count || count > SAFE_DIGITS + 1 || value > most) return false;
    if (negative && !value) return false; /* some read -0 as a fraction */
    int64_t signed_value = negative ? -(int64_t)value : (int64_t)value;
    return low <= signed_value && signed_value <= high;
}

/* A number well within the bounds of plain doubles. More digits are no error, but Python's. */
static bool number(Scan *s) {
    const uint8_t *begin = s->at;
    uint64_t value;
    s->at += *s->at == '-';
    int64_t count = digits(s, &value);
    if (!count) return false;
    if (*s->at == '.') {
        s->at++;
        if (!is_digit(*s->at)) return false;
        while (is_digit(*s->at)) s->at++;
    }
    if ((*s->at | 0x20) == 'e') {
        s->at++;
        bool down = *s->at == '-';
        s->at += down || *s->at == '+';
        int64_t exponent = 0;
        if (!is_digit(*s->at)) return false;
        while (is_digit(*s->at) && exponent <= SAFE_EXPONENT)
            exponent = exponent * 10 + (*s->at++ - '0');
        if (exponent > SAFE_EXPONENT) return false;
        if (!down) count += exponent;
    }
    return count <= SAFE_DIGITS && s->at - begin <= MAX_NUMBER_BYTES;
}

/* A multiple of a power of ten, written as one: no exponent, no digit too many. */
static bool decimal(Scan *s, int64_t most) {
    uint64_t value;
    s->at += *s->at == '-';
    int64_t count = digits(s, &value);
    if (!count || count > DECIMAL_DIGITS) return false;
    if (*s->at == '.') {
        const uint8_t *fraction = ++s->at;
        while (is_digit(*s->at)) s->at++;
        if (s->at == fraction || s->at - fraction > most) return false;
    }
    return true; /* an exponent ends the message as any letter would */
}

/* Two digits at `at`, or -1; it reads no further than the first that is none. */
static inline int two(const uint8_t *at) {
    if (!is_digit(at[0]) || !is_digit(at[1])) return -1;
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static bool date(Scan *s) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s->end - s->at < 10) return false;
    const uint8_t *c = s->at;
    int century = two(c), rest = two(c + 2), month = two(c + 5), day = two(c + 8);
    if (century < 0 || rest < 0 || c[4] != '-' || c[7] != '-') return false;
    int year = century * 100 + rest;
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > days[month - 1] + (leap && month == 2)) return false;
    s->at += 10;
    return true;
}

/* PLAIN_PATTERN of core/timestamp.py, in its quotes. */
static bool timestamp(Scan *s) {
    if (*s->at++ != '"' || !date(s)) return false;
    if (*s->at == '"') return s->at++, true;
    if (*s->at != 'T' && *s->at != ' ') return false;
    int hour = two(s->at + 1);
    if (hour < 0 || hour > 23 || s->at[3] != ':') return false;
    int minute = two(s->at + 4);
    if (minute < 0 || minute > 59) return false;
    s->at += 6;
    if (*s->at == ':') {
        int second = two(s->at + 1);
        if (second < 0 || second > 59) return false;
        s->at += 3;
        if (*s->at == '.') {
            const uint8_t *fraction = ++s->at;
            while (is_digit(*s->at)) s->at++;
            if (s->at == fraction || s->at - fraction > 9) return false;
        }
    }
    if (*s->at == 'Z') {
        s->at++;
    } else if (*s->at == '+' || *s->at == '-') {
        int hours = two(s->at + 1);
        if (hours < 0 || hours > 23) return false;
        s->at += 3;
        if (*s->at == ':' || is_digit(*s->at)) {
            s->at += *s->at == ':';
            int minutes = two(s->at);
            if (minutes < 0 || minutes > 59) return false;
            s->at += 2;
        }
    }
    return *s->at++ == '"';
}

/* Which field of an object a key names, -1 if none. Keys mostly come in the order declared. */
static int64_t field_of(const Scan *s, const Node *node, const uint8_t *key, int64_t size,
                        int64_t next) {
    const Field *fields = s->fields + node->first;
    if (next < node->count && fields[next].size == size &&
        !memcmp(s->names + fields[next].name, key, size))
        return next;
    int64_t low = 0, high = node->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2, at = fields[middle].sorted;
        int64_t shorter = fields[at].size < size ? fields[at].size : size;
        int order = memcmp(s->names + fields[at].name, key, shorter);
        if (!order) order = (fields[at].size > size) - (fields[at].size < size);
        if (!order) return at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* A scalar of one of several types: which, its first characters tell, and a number's its others. */
static bool one_of(Scan *s, const Node *node) {
    if (*s->at == '"') return node->first & TEXTS && string(s, node->low, node->high);
    if (*s->at == 't' || *s->at == 'f')
        return node->first & BOOLEANS && (word(s, "true", 4) || word(s, "false", 5));
    const uint8_t *begin = s->at;
    bool is_whole = integer(s, -UNION_BOUND, UNION_BOUND);
    if (*s->at != '.' && (*s->at | 0x20) != 'e') return is_whole && node->first & WHOLE;
    s->at = begin;
    return node->first & FRACTIONS && number(s);
}

static bool value(Scan *s, int64_t at);

static bool key_of(Scan *s, const uint8_t **key, int64_t *size) {
    if (*s->at != '"') return false;
    *key = ++s->at;
    while (*s->at != '"') {
        if (*s->at < 0x20 || *s->at == '\\') return false;
        s->at++;
    }
    *size = s->at++ - *key;
    return eat(s, ':');
}

static bool object(Scan *s, const Node *node) {
    int64_t next = 0, required = 0;
    int32_t own = ++s->objects;
    if (!eat(s, '{')) return false;
    if (*s->at == '}') {
        s->at++;
        return !node->required;
    }
    do {
        const uint8_t *key;
        int64_t size;
        if (!key_of(s, &key, &size)) return false;
        int64_t found = field_of(s, node, key, size, next);
        if (found < 0 || s->seen[node->first + found] == own) return false;
        s->seen[node->first + found] = own;
        s->points++;
        required += s->fields[node->first + found].required;
        if (!value(s, s->fields[node->first + found].node)) return false;
        next = found + 1;
    } while (eat(s, ','));
    return *s->at == '}' && (s->at++, required == node->required);
}

static bool array(Scan *s, const Node *node) {
    if (!eat(s, '[')) return false;
    if (*s->at == ']') return s->at++, true;
    do {
        s->points++;
        if (!value(s, node->first)) return false;
    } while (eat(s, ','));
    return *s->at == ']' && (s->at++, true);
}

/* Recursion is as deep as the schema's shape, which gate/proof.py bounds. */
static bool value(Scan *s, int64_t at) {
    const Node *node = s->nodes + at;
    if (*s->at == 'n') return node->nullable && word(s, "null", 4);
    switch (node->kind) {
    case INTEGER: return integer(s, node->low, node->high);
    case NUMBER: return number(s);
    case DECIMAL: return decimal(s, node->high);
    case BOOLEAN: return word(s, "true", 4) || word(s, "false", 5);
    case STRING: return string(s, node->low, node->high);
    case TIMESTAMP: return timestamp(s);
    case OBJECT: return object(s, node);
    case ARRAY: return array(s, node);
    case UNION: return one_of(s, node);
    default: return false;
    }
}

enum { ACTION = 1, SEQUENCE = 2, DATA = 4, EXTRACTED = 8, VINTAGE = 16 };

static int part_of(const uint8_t *key, int64_t size) {
    if (size == 4 && !memcmp(key, "data", 4)) return DATA;
    if (size == 6 && !memcmp(key, "action", 6)) return ACTION;
    if (size == 8 && !memcmp(key, "sequence", 8)) return SEQUENCE;
    if (size == 14 && !memcmp(key, "time_extracted", 14)) return EXTRACTED;
    if (size == 7 && !memcmp(key, "vintage", 7)) return VINTAGE;
    return 0;
}

/* An upsert whose data are plain; node 0 is that of the data. */
static bool message(Scan *s, int32_t most_points) {
    int there = 0;
    if (!eat(s, '{')) return false;
    do {
        const uint8_t *key;
        int64_t size;
        if (!key_of(s, &key, &size)) return false;
        int part = part_of(key, size);
        if (!part || there & part) return false;
        there |= part;
        bool good = false;
        if (part == ACTION) {
            good = word(s, "\"upsert\"", 8);
        } else if (part == SEQUENCE) {
            good = integer(s, INT64_MIN, INT64_MAX);
        } else if (part == DATA) {
            s->points = 0;
            good = *s->at == '{' && value(s, 0) && s->points <= most_points;
        } else {
            good = timestamp(s);
        }
        if (!good) return false;
    } while (eat(s, ','));
    return *s->at == '}' && (s->at++, (there & 7) == 7);
}

/* Go behind a message whatever it holds: Python decodes what was skipped, and so judges it. */
static bool skip(Scan *s) {
    int64_t depth = 0;
    while (s->at < s->end) {
        uint8_t c = *s->at++;
        if (c == '"') {
            while (s->at < s->end && *s->at != '"') s->at += *s->at == '\\' ? 2 : 1;
            if (s->at >= s->end) return false;
            s->at++;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth <= 0) return depth == 0;
        } else if (!depth) {
            return false; /* a message is an object */
        }
    }
    return false;
}

int32_t proof_version(void) { return VERSION; }

/* Go through a JSON array of messages.
 *
 * Returns how many there are, -1 if the text is no array of 1 to `most` objects, or if there are
 * more doubtful ones than `room`. `doubts` gets three numbers for each of these: which message it
 * is, where it begins, where it ends; their count goes to `doubtful`. `seen` must be zero and as
 * long as there are fields.
 */
int64_t prove(const uint8_t *text, int64_t size, const Node *nodes, const Field *fields,
              const uint8_t *names, int32_t *seen, int32_t most, int32_t most_points,
              int64_t *doubts, int64_t room, int64_t *doubtful) {
    Scan s = {text, text + size, nodes, fields, names, seen, 0, 0};
    int64_t count = 0;
    *doubtful = 0;
    if (!eat(&s, '[')) return -1;
    do {
        const uint8_t *begin = s.at;
        if (count == most) return -1;
        if (!message(&s, most_points)) {
            s.at = begin;
            if (*doubtful == room || !skip(&s)) return -1;
            int64_t *doubt = doubts + 3 * (*doubtful)++;
            doubt[0] = count;
            doubt[1] = begin - text;
            doubt[2] = s.at - text;
        }
        count++;
    } while (eat(&s, ','));
    return eat(&s, ']') && s.at == s.end ? count : -1;
}
