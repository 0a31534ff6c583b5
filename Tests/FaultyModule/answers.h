#ifndef TOKENCERT_FAULTY_ANSWERS_H
#define TOKENCERT_FAULTY_ANSWERS_H

#include <p11-kit/pkcs11.h>

// Reads attributes from the wrapped module and changes them as the environment requires: see
// FAULTY_EC_POINT, FAULTY_EC_PARAMS, FAULTY_LONG_ANSWERS, FAULTY_LATE_ATTRIBUTES, FAULTY_LATE_KEYS,
// FAULTY_NOT_LOCAL, FAULTY_EXACT_SIZES and FAULTY_BOOLEAN_SIZE in README.md.
CK_RV faulty_get_attributes(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
    CK_ULONG count);

// Records the session in which a key was generated.
void faulty_note_generation(CK_SESSION_HANDLE session);

// Records that the module was initialised.
void faulty_note_initialization(void);

#endif
