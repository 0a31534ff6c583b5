#ifndef TOKENCERT_FAULTY_MODULE_H
#define TOKENCERT_FAULTY_MODULE_H

#include <p11-kit/pkcs11.h>

// The entry that every PKCS#11 module has. See README.md beside this folder for the variables.
CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

#endif
