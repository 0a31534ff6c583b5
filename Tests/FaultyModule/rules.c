#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static unsigned long calls;

void (*faulty_lose_login)(void);

static const char *end_of_word(const char *text, char separator) {
    const char *end = strchr(text, separator);
    return end ? end : text + strlen(text);
}

static void write_log(const struct call *call, const char *detail) {
    const char *path = getenv("FAULTY_LOG");
    if (!path) return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    char line[96];
    int length = snprintf(line, sizeof line, "%lu %s%s%s\n", call->number, call->function,
                          *detail ? " " : "", detail);
    if (write(file, line, (size_t)length) < 0) { /* the test will miss the line */ }
    close(file);
}

// Whether the part of a rule before its first colon matches a call.
static int means(const char *where, size_t length, const struct call *call) {
    char text[64];
    if (length >= sizeof text) return 0;
    memcpy(text, where, length);
    text[length] = 0;
    char *hash = strchr(text, '#');
    unsigned long wanted = 0;
    if (hash) {
        *hash = 0;
        wanted = strtoul(hash + 1, NULL, 10);
    }
    if (strcmp(text, "*") == 0) return !wanted || wanted == call->number;
    if (strcmp(text, call->function) != 0) return 0;
    return !wanted || wanted == call->of_function;
}

// Finds the action for a call. Rules are separated by semicolons.
static const char *action(const struct call *call, const char *when) {
    const char *rule = getenv("FAULTY_RULES");
    while (rule && *rule) {
        const char *colon = strchr(rule, ':');
        const char *end = end_of_word(rule, ';');
        if (colon && colon < end && means(rule, (size_t)(colon - rule), call)) {
            size_t length = strlen(when);
            if (strncmp(colon + 1, when, length) == 0 && colon[1 + length] == ':')
                return colon + length + 2;
        }
        rule = *end ? end + 1 : end;
    }
    return NULL;
}

static int is(const char *action, const char *word) {
    return action && strncmp(action, word, strlen(word)) == 0;
}

static void act(const char *action) {
    if (is(action, "kill")) kill(getpid(), SIGKILL);
    if (is(action, "exit")) exit(0);
    if (is(action, "logout") && faulty_lose_login) faulty_lose_login();
    if (is(action, "pull") && getenv("FAULTY_TOKEN_FILE")) unlink(getenv("FAULTY_TOKEN_FILE"));
    if (is(action, "delay=")) {
        unsigned long milliseconds = strtoul(action + 6, NULL, 10);
        struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
        while (nanosleep(&time, &time) != 0 && errno == EINTR) continue;
    }
}

// Whether a call concerns only modules and slots.
static int asks_for_no_token(const char *function) {
    static const char *const names[] = {
        "C_Initialize", "C_Finalize", "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_WaitForSlotEvent"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (strcmp(function, names[index]) == 0) return 1;
    return 0;
}

int faulty_before(struct call *call, unsigned long *calls_of_function, const char *detail, CK_RV *result) {
    call->number = ++calls;
    call->of_function = ++*calls_of_function;
    write_log(call, detail);
    const char *what = action(call, "before");
    act(what);
    if (is(what, "return=")) {
        *result = strtoul(what + 7, NULL, 0);
        return 1;
    }
    if (faulty_token_is_in() || asks_for_no_token(call->function)) return 0;
    *result = strcmp(call->function, "C_GetTokenInfo") == 0 ? CKR_TOKEN_NOT_PRESENT : CKR_DEVICE_REMOVED;
    return 1;
}

int faulty_token_is_in(void) {
    const char *path = getenv("FAULTY_TOKEN_FILE");
    return !path || access(path, F_OK) == 0;
}

CK_RV faulty_after(const struct call *call, CK_RV result) {
    const char *what = action(call, "after");
    act(what);
    return is(what, "return=") ? strtoul(what + 7, NULL, 0) : result;
}

void faulty_change_length(const struct call *call, CK_ULONG *length) {
    const char *what = action(call, "after");
    if (is(what, "truncate")) *length /= 2;
    if (is(what, "count=")) *length = strtoul(what + 6, NULL, 0);
}

int faulty_listed(const char *variable, const char *word) {
    const char *list = getenv(variable);
    size_t length = strlen(word);
    while (list && *list) {
        const char *end = end_of_word(list, ',');
        if ((size_t)(end - list) == length && strncmp(list, word, length) == 0) return 1;
        list = *end ? end + 1 : end;
    }
    return 0;
}

int faulty_listed_number(const char *variable, unsigned long number) {
    const char *list = getenv(variable);
    while (list && *list) {
        char *end = NULL;
        if (strtoul(list, &end, 0) == number && end != list) return 1;
        list = strchr(list, ',');
        if (list) list++;
    }
    return 0;
}
