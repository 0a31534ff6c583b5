// The minimum work to list a token: finds every object and reads the attributes that tokencert reads,
// in two calls each, without decoding them.

#include "token.h"

int main(void) {
    open_token();
    static CK_OBJECT_HANDLE objects[1024];
    CK_OBJECT_HANDLE *found = NULL;
    CK_ULONG count = 0, step;
    DO(token->C_FindObjectsInit(session, NULL, 0));
    do {
        DO(token->C_FindObjects(session, objects, 1024, &step));
        found = realloc(found, (count + step + 1) * sizeof *found);
        memcpy(found + count, objects, step * sizeof *found);
        count += step;
    } while (step);
    DO(token->C_FindObjectsFinal(session));
    for (CK_ULONG index = 0; index < count; index++) {
        CK_ULONG class = 0, key_type = 0, certificate_type = 0;
        CK_BBOOL on_token, local, sensitive, extractable, never;
        unsigned char id[72], label[256], parameters[768], point[256], value[4096];
        CK_ATTRIBUTE head[] = {
            {CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id},
            {CKA_LABEL, label, sizeof label}, {CKA_KEY_TYPE, &key_type, sizeof key_type},
            {CKA_TOKEN, &on_token, 1}};
        token->C_GetAttributeValue(session, found[index], head, 5);
        if (class == CKO_CERTIFICATE) {
            CK_ATTRIBUTE body[] = {
                {CKA_VALUE, value, sizeof value},
                {CKA_CERTIFICATE_TYPE, &certificate_type, sizeof certificate_type}};
            token->C_GetAttributeValue(session, found[index], body, 2);
        } else {
            CK_ATTRIBUTE body[] = {
                {CKA_EC_PARAMS, parameters, sizeof parameters},
                {CKA_EC_POINT, point, sizeof point}, {CKA_LOCAL, &local, 1},
                {CKA_SENSITIVE, &sensitive, 1}, {CKA_EXTRACTABLE, &extractable, 1},
                {CKA_NEVER_EXTRACTABLE, &never, 1}};
            token->C_GetAttributeValue(
                session, found[index], body, class == CKO_PRIVATE_KEY ? 6 : 2);
        }
    }
    printf("%lu\n", count);
    token->C_Finalize(NULL);
    return 0;
}
