#ifndef TOKENCERT_FAULTY_MODULE_H
#define TOKENCERT_FAULTY_MODULE_H

#include <p11-kit/pkcs11.h>

// The entry point of every PKCS#11 module. For the environment variables, see ../README.md.
CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

#endif
