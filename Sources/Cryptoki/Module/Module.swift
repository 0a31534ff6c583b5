internal import Logging
internal import Synchronization

/// A PKCS#11 module that is loaded and initialised in this process.
///
/// The module stays initialised while a slot, token or session of it exists. Loading the same path
/// twice returns the same object; p11-kit ensures that a module is initialised only once in a
/// process.
public final class Module: Sendable {
    /// The path of the module: the file that p11-kit loaded, or the configured or requested name.
    public let path: String
    /// The module's name in p11-kit's configuration, or nil if the module was loaded by path.
    public let name: String?
    /// The text that was passed to `C_Initialize`, or nil.
    public let arguments: String?
    /// Information about the module.
    public let info: ModuleInfo

    let functions: FunctionTable
    let loaded: LoadedModule
    /// The users that this process has logged in, by slot.
    private let logins = Mutex<[UInt: UserType]>([:])
    private let reinitializations = Mutex(0)

    /// Loads and initialises a module.
    ///
    /// The C functions are `p11_kit_module_load`, `C_Initialize` and `C_GetInfo` (PKCS#11 v2.40,
    /// section 5.4).
    ///
    /// - Parameters:
    ///   - path: The shared library. A name without a slash is searched for in p11-kit's module
    ///     folder and then by the system's loader; any other path is relative to the working
    ///     folder.
    ///   - arguments: UTF-8 text for `pReserved` in `CK_C_INITIALIZE_ARGS` if the module needs it,
    ///     such as `configdir='sql:/home/anna/db'` for NSS; nil passes none.
    ///   - observer: An observer to notify when the module is loaded and initialised, or nil.
    /// - Returns: The module. It stays initialised while you keep a reference to it.
    /// - Throws: ``CryptokiError``; with code ``CryptokiError/Code/moduleUnusable`` if the module
    ///   cannot be loaded or initialised, or is in use with other arguments.
    public static func load(
        path: String, arguments: String? = nil, observer: (any ModuleStartObserver)? = nil
    ) throws(CryptokiError) -> Module {
        try ModuleRegistry.shared.module(path: path, arguments: arguments, observer: observer)
    }

    /// Writes a line about the module to the log. Call it when nothing holds standard error.
    func logStart() {
        logger.debug("module \(path) is initialised: \(info.libraryDescription)")
    }

    init(
        path: String, name: String?, arguments: String? = nil, loaded: LoadedModule
    ) throws(CryptokiError) {
        self.path = path
        self.name = name
        self.arguments = arguments
        self.loaded = loaded
        functions = loaded.functions
        info = ModuleInfo(try loaded.functions.info())
    }

    /// Calls `C_Finalize` and `C_Initialize`. Some modules show a new key correctly only
    /// afterwards, for example OpenSC 0.23 with an OpenPGP card.
    ///
    /// All sessions, handles and logins of the module become invalid; an existing ``Session`` does
    /// not close its handle. If something else in the process has initialised the module, p11-kit
    /// keeps it initialised and does not call it.
    ///
    /// - Throws: ``CryptokiError`` with code ``CryptokiError/Code/moduleUnusable``.
    package func reinitialize() throws(CryptokiError) {
        reinitializations.withLock { $0 += 1 }
        logins.withLock { $0 = [:] }
        try loaded.reinitialize()
    }

    /// How often the module was reinitialised. Each time ends all earlier sessions.
    var initialization: Int { reinitializations.withLock { $0 } }

    /// Whether the module's function table has a function. The function may still return
    /// `CKR_FUNCTION_NOT_SUPPORTED`.
    ///
    /// The C structure is `CK_FUNCTION_LIST` (PKCS#11 v2.40, section 3.6).
    ///
    /// - Parameter function: The function.
    public func provides(_ function: CryptokiFunction) -> Bool {
        functions.provided.contains(function)
    }

    func isLoggedIn(_ slot: UInt, as user: UserType) -> Bool {
        logins.withLock { $0[slot] == user }
    }

    func setLoggedIn(_ slot: UInt, as user: UserType?) {
        logins.withLock { $0[slot] = user }
    }
}

let logger = Logger(label: "cryptoki")
