internal import CTokencertP11Kit
internal import TokencertPlatform

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A module that p11-kit has loaded, released with this object. p11-kit counts how often a module
/// was initialised, so another library in the process can use it too.
@safe final class LoadedModule: @unchecked Sendable {
    private let list: UnsafeMutablePointer<CK_FUNCTION_LIST>
    /// The `pReserved` argument of `C_Initialize`, or nil. A module may keep the pointer.
    private let reserved: UnsafeMutablePointer<CChar>?
    private var isInitialized = false

    var functions: FunctionTable { unsafe FunctionTable(list) }

    private init(_ list: UnsafeMutablePointer<CK_FUNCTION_LIST>, arguments: String? = nil) {
        unsafe self.list = unsafe list
        unsafe reserved = unsafe arguments.flatMap { unsafe strdup($0) }
    }

    convenience init(path: String, arguments: String? = nil) throws(CryptokiError) {
        try unsafe self.init(Self.list(path: path), arguments: arguments)
    }

    private static func list(
        path: String
    ) throws(CryptokiError) -> UnsafeMutablePointer<CK_FUNCTION_LIST> {
        p11_kit_be_quiet()
        guard !path.contains("/") || !isSpecialFile(path) else {
            throw CryptokiError(
                .moduleUnusable, function: "p11_kit_module_load",
                context: "\(path): it is not a regular file")
        }
        if let list = unsafe p11_kit_module_load(path, 0) { return unsafe list }
        let reason = lastMessage
        // p11-kit searches for a bare name only in its own folder; many modules are elsewhere.
        guard let file = libraryFile(named: path),
            let list = unsafe p11_kit_module_load(file, 0)
        else {
            throw CryptokiError(
                .moduleUnusable, function: "p11_kit_module_load", context: "\(path): \(reason)")
        }
        return unsafe list
    }

    /// The file in which the system's loader finds a library named without a folder.
    private static func libraryFile(named name: String) -> String? {
        guard !name.contains("/"), let library = unsafe dlopen(name, RTLD_LAZY | RTLD_LOCAL) else {
            return nil
        }
        defer { unsafe _ = dlclose(library) }
        guard let symbol = unsafe dlsym(library, "C_GetFunctionList") else { return nil }
        var information = unsafe tokencert_dl_info()
        guard unsafe tokencert_dladdr(symbol, &information) != 0,
            let file = unsafe information.dli_fname
        else { return nil }
        return unsafe String(cString: file)
    }

    /// The file of a module that is named without a folder, or nil if there is none.
    static func file(named name: String) -> String? {
        guard let loaded = try? LoadedModule(path: name) else { return nil }
        return loaded.file
    }

    /// Whether a path names the file of a module in any spelling: relative, through symbolic links,
    /// or without a folder as in ``Module/load(path:arguments:observer:)``.
    static func isFile(_ path: String, of modulePath: String) -> Bool {
        if path == modulePath { return true }
        // A module that runs in another program (`remote:`) has no file.
        guard modulePath.contains("/"), let own = resolvedPath(modulePath) else { return false }
        return (path.contains("/") ? path : file(named: path)).flatMap(resolvedPath) == own
    }

    /// The file that the module was loaded from, or nil if p11-kit does not know it.
    var file: String? { unsafe string(p11_kit_module_get_filename(list)) }

    deinit {
        if isInitialized {
            _ = unsafe p11_kit_module_finalize(list)
        }
        unsafe p11_kit_module_release(list)
        unsafe free(reserved)
    }

    /// Called once by the registry, before the module is used.
    func initialize() throws(CryptokiError) {
        guard !isInitialized else { return }
        let returned =
            try unsafe reserved == nil ? p11_kit_module_initialize(list) : startWithReserved()
        guard returned == CKR_OK else {
            throw CryptokiError(
                .moduleUnusable, function: "C_Initialize",
                returnValue: ReturnValue(rawValue: returned),
                context: "the module does not initialise")
        }
        isInitialized = true
    }

    /// Finalises the module and initialises it again. p11-kit calls `C_Finalize` only if nothing
    /// else in the process has initialised the module.
    func reinitialize() throws(CryptokiError) {
        guard isInitialized else { return }
        let returned = unsafe p11_kit_module_finalize(list)
        guard returned == CKR_OK else {
            throw CryptokiError(
                .moduleUnusable, function: "C_Finalize",
                returnValue: ReturnValue(rawValue: returned),
                context: "the module cannot be finalised")
        }
        isInitialized = false
        try initialize()
    }

    /// Calls C_Initialize with `pReserved`, as p11-kit does for `x-init-reserved`. It goes through
    /// p11-kit's wrapper, which counts callers, since p11_kit_module_initialize takes no arguments.
    private func startWithReserved() throws(CryptokiError) -> CK_RV {
        let initialize = try unsafe functions.entry("C_Initialize", \.C_Initialize)
        var arguments = unsafe CK_C_INITIALIZE_ARGS()
        unsafe arguments.flags = CK_FLAGS(CKF_OS_LOCKING_OK)
        unsafe arguments.pReserved = unsafe UnsafeMutableRawPointer(reserved)
        return unsafe initialize(&arguments)
    }

    /// A module of p11-kit's configuration, loaded but not initialised.
    struct Configured: Sendable {
        let name: String?
        let path: String
        /// Whether p11-kit runs the module in another program (`remote:`).
        let isRemote: Bool
        let loaded: LoadedModule

        /// The name in messages.
        var title: String { name ?? path }
    }

    /// Loads every configured module. The complaint is p11-kit's message about a module that it
    /// skipped because it cannot be loaded.
    static func loadConfigured() throws(CryptokiError) -> ([Configured], complaint: String?) {
        p11_kit_be_quiet()
        let lists = unsafe p11_kit_modules_load(nil, 0)
        // The next call to p11-kit clears the message.
        let complaint = unsafe p11_kit_message().map { unsafe String(cString: $0) }
        guard let lists = unsafe lists else {
            throw CryptokiError(
                .moduleUnusable, function: "p11_kit_modules_load",
                context: complaint ?? "no reason was given")
        }
        // Each module is released by its own owner; only the array remains to be freed.
        defer { unsafe free(lists) }
        var configured: [Configured] = []
        var index = 0
        while let list = unsafe lists[index] {
            index += 1
            let loaded = unsafe LoadedModule(list)
            guard unsafe string(p11_kit_config_option(list, "trust-policy")) != "yes" else {
                continue
            }
            let name = unsafe string(p11_kit_module_get_name(list))
            let path = unsafe string(p11_kit_module_get_filename(list))
            configured.append(
                Configured(
                    name: name, path: path ?? name ?? "(unnamed)", isRemote: path == nil,
                    loaded: loaded))
        }
        return (configured, complaint)
    }

    private static var lastMessage: String {
        unsafe p11_kit_message().map { unsafe String(cString: $0) } ?? "no reason was given"
    }
}

/// Copies and frees a string that p11-kit allocated.
@unsafe func string(_ allocated: UnsafeMutablePointer<CChar>?) -> String? {
    guard let allocated = unsafe allocated else { return nil }
    defer { unsafe free(allocated) }
    return unsafe String(cString: allocated)
}

/// Makes a path with a slash absolute; p11-kit would search for it in its own folder.
func absolutePath(_ path: String) -> String {
    guard path.contains("/"), !path.hasPrefix("/") else { return path }
    return resolvedPath(path) ?? path
}

/// The file that a path names, independent of its spelling, or nil if there is none.
func resolvedPath(_ path: String) -> String? { unsafe string(realpath(path, nil)) }
