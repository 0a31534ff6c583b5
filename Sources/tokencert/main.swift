internal import TokencertCommands
internal import TokencertPlatform

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

openStandardDescriptors()
reserveStandardOutput()
// A closed pipe, as in "tokencert issue | head -1", must not terminate the program during an order.
signal(SIGPIPE, SIG_IGN)
// At the file size limit, writes then fail with EFBIG instead of terminating the program.
signal(SIGXFSZ, SIG_IGN)
exit(runTokencert())
