#ifndef TOKENCERT_FAULTY_RULES_H
#define TOKENCERT_FAULTY_RULES_H

#include <p11-kit/pkcs11.h>

// A call to which rules may apply. See FAULTY_RULES in README.md.
struct call {
    const char *function;
    unsigned long number;      // among all calls, from 1
    unsigned long of_function; // among those of the function, from 1
};

// Counts and logs a call, and applies the rules for "before".
// Returns whether the call ends here with *result.
int faulty_before(struct call *call, unsigned long *calls_of_function, const char *detail, CK_RV *result);

// Applies the rules for "after" to a call that returned `result`; returns the caller's result.
CK_RV faulty_after(const struct call *call, CK_RV result);

// Changes a returned count or length if a rule requires it.
void faulty_change_length(const struct call *call, CK_ULONG *length);

// Ends the login as a reset of the card by another program does.
extern void (*faulty_lose_login)(void);

// Whether the token is in its slot: see FAULTY_TOKEN_FILE.
int faulty_token_is_in(void);

// Whether a comma-separated list in the environment contains a word.
int faulty_listed(const char *variable, const char *word);

// Whether a comma-separated list in the environment contains a number.
int faulty_listed_number(const char *variable, unsigned long number);

#endif
