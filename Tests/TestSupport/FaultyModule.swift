internal import Foundation

/// The path of the module in Tests/FaultyModule, compiled once in each process.
///
/// The file is replaced atomically, since another process may be loading it.
package let faultyModule: String = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "FaultyModule")
    let library = productsDirectory.appending(path: "libFaultyModule.so").path()
    let unfinished = library + ".\(ProcessInfo.processInfo.processIdentifier)"
    let script = """
        clang -shared -fPIC -O1 -Wall -Wextra -Werror $(pkg-config --cflags p11-kit-1) \
            -I "$1/include" "$1"/*.c -o "$2" -ldl && mv "$2" "$3"
        """
    do {
        let outcome = try run("/bin/sh", ["-c", script, "sh", folder.path(), unfinished, library])
        guard outcome.status == 0 else { throw SetUpError(outcome.errors) }
    } catch {
        fatalError("cannot compile the faulty module: \(error)")
    }
    return library
}()
