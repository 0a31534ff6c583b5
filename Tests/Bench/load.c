// Orders many certificates, several at a time, and prints how many the CA issues in a second. Each order
// has its own TLS connection, as it has for tokencert.
// usage: load ORDERS AT-A-TIME [MINIMUM]    fails if there are fewer than MINIMUM a second

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    CURL *curl;
    char answer[65536];
    size_t length;
} Connection;

static size_t collect(char *data, size_t size, size_t count, void *user) {
    Connection *connection = user;
    if (connection->length + size * count >= sizeof connection->answer) return 0;
    memcpy(connection->answer + connection->length, data, size * count);
    connection->length += size * count;
    return size * count;
}

static char *form(void) {
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509_REQ *request = X509_REQ_new();
    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, key, EVP_sha256());
    BIO *pem = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(pem, request);
    char *text, *escaped, *fields = malloc(16384);
    long length = BIO_get_mem_data(pem, &text);
    escaped = curl_easy_escape(NULL, text, (int)length);
    snprintf(
        fields, 16384,
        "username=anna%%40example.org&password=%s&email%%5B0%%5D=anna%%40example.org&name=x"
        "&codesign=0&optionalCSR=%s",
        getenv("BENCH_PASSWORD"), escaped);
    return fields;
}

static void start(CURLM *all, Connection *connection) {
    connection->length = 0;
    curl_multi_add_handle(all, connection->curl);
}

static const char *variables[] = {"BENCH_URL", "BENCH_PASSWORD", "TOKENCERT_CA_FILE", NULL};

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) return 64;
    int orders = atoi(argv[1]), width = atoi(argv[2]), started = 0, issued = 0;
    if (orders < 1 || width < 1) return 64;
    for (const char **name = variables; *name; name++) {
        if (!getenv(*name)) {
            fprintf(stderr, "error: %s is not set\n", *name);
            return 64;
        }
    }
    char *fields = form();
    CURLM *all = curl_multi_init();
    Connection *connections = calloc(width, sizeof *connections);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (; started < width && started < orders; started++) {
        Connection *connection = &connections[started];
        connection->curl = curl_easy_init();
        curl_easy_setopt(connection->curl, CURLOPT_URL, getenv("BENCH_URL"));
        curl_easy_setopt(connection->curl, CURLOPT_POSTFIELDS, fields);
        curl_easy_setopt(connection->curl, CURLOPT_CAINFO, getenv("TOKENCERT_CA_FILE"));
        curl_easy_setopt(connection->curl, CURLOPT_WRITEFUNCTION, collect);
        curl_easy_setopt(connection->curl, CURLOPT_WRITEDATA, connection);
        curl_easy_setopt(connection->curl, CURLOPT_PRIVATE, connection);
        curl_easy_setopt(connection->curl, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(connection->curl, CURLOPT_TIMEOUT, 30L);
        start(all, connection);
    }
    for (int running = 1; running;) {
        curl_multi_perform(all, &running);
        int left;
        for (CURLMsg *message; (message = curl_multi_info_read(all, &left));) {
            Connection *connection;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &connection);
            connection->answer[connection->length] = 0;
            if (message->data.result != CURLE_OK || !strstr(connection->answer, "-----END CERT")) {
                fprintf(
                    stderr, "error: no certificate: %s: %s\n",
                    curl_easy_strerror(message->data.result), connection->answer);
                return 1;
            }
            issued++;
            curl_multi_remove_handle(all, connection->curl);
            if (started < orders) start(all, connection), started++, running = 1;
        }
        if (running) curl_multi_poll(all, NULL, 0, 1000, NULL);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    double seconds = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
    if (issued != orders) {
        fprintf(stderr, "error: %d of %d orders have a certificate\n", issued, orders);
        return 1;
    }
    printf("  %d orders, %d at a time%17.0f a second\n", issued, width, issued / seconds);
    if (argc == 4 && issued / seconds < atof(argv[3])) {
        fprintf(stderr, "error: the stand-in issues fewer than %s certificates a second\n", argv[3]);
        fprintf(stderr, "hint: run it again on a machine without other load\n");
        return 1;
    }
    return 0;
}
