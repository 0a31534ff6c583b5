#ifndef TOKENCERT_FAULTY_RULES_H
#define TOKENCERT_FAULTY_RULES_H

#include <p11-kit/pkcs11.h>

// What the rules say about one call. See FAULTY_RULES in README.md.
struct call {
    const char *function;
    unsigned long number;      // among all calls, from 1
    unsigned long of_function; // among those of the function, from 1
};

// Counts a call, writes it to the log, and does what the rules say before it.
// Returns whether the call ends here, with *result.
int faulty_before(struct call *call, unsigned long *calls_of_function, const char *detail, CK_RV *result);

// Does what the rules say after a call that returned `result`; returns what the caller gets.
CK_RV faulty_after(const struct call *call, CK_RV result);

// Changes a count or a length that a call returns, if a rule says so.
void faulty_change_length(const struct call *call, CK_ULONG *length);

// Whether the token is in its slot: see FAULTY_TOKEN_FILE.
int faulty_token_is_in(void);

// Whether a list in the environment, separated by commas, has a word.
int faulty_listed(const char *variable, const char *word);

// Whether a list of numbers in the environment, separated by commas, has a number.
int faulty_listed_number(const char *variable, unsigned long number);

#endif
