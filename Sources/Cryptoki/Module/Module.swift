internal import Logging
internal import Synchronization

/// A PKCS#11 module that is loaded and initialised in this process.
///
/// The module stays initialised while anything that came from it is alive: slots, tokens and
/// sessions hold it. Loading the same path twice gives the same object; p11-kit sees to it that a
/// module is initialised only once in a process.
public final class Module: Sendable {
    /// The file of the module, as it was asked for or as p11-kit is configured.
    public let path: String
    /// The name that p11-kit's configuration gives the module, or nil where it was loaded by path.
    public let name: String?
    /// What the module says of itself.
    public let info: ModuleInfo

    let functions: FunctionTable
    let loaded: LoadedModule
    /// Who is logged in through ``Token/withLogin(as:pin:evenWhereNotRequired:_:)``, by slot.
    private let logins = Mutex<[UInt: UserType]>([:])

    /// Loads and initialises the module in a file.
    ///
    /// The C functions are `p11_kit_module_load`, `p11_kit_module_initialize` and `C_GetInfo`
    /// (PKCS#11 v2.40, section 5.4).
    ///
    /// - Parameter path: The shared library. A name without a slash is looked for in p11-kit's
    ///   folder of modules, any other path from the working folder.
    /// - Returns: The module; whoever holds it keeps it initialised.
    /// - Throws: ``CryptokiError`` with code ``CryptokiError/Code/moduleUnusable``.
    public static func load(path: String) throws(CryptokiError) -> Module {
        try ModuleRegistry.shared.module(path: path)
    }

    init(path: String, name: String?, loaded: LoadedModule) throws(CryptokiError) {
        self.path = path
        self.name = name
        self.loaded = loaded
        functions = loaded.functions
        info = ModuleInfo(try loaded.functions.info())
        logger.debug("module \(path) is initialised: \(info.libraryDescription)")
    }

    func isLoggedIn(_ slot: UInt, as user: UserType) -> Bool {
        logins.withLock { $0[slot] == user }
    }

    func setLoggedIn(_ slot: UInt, as user: UserType?) {
        logins.withLock { $0[slot] = user }
    }

    /// All slots of the module.
    ///
    /// The C function is `C_GetSlotList` (section 5.5).
    ///
    /// - Parameter tokenPresent: Only those with a token in them.
    /// - Returns: The slots, in the module's order.
    /// - Throws: ``CryptokiError``.
    public func slots(tokenPresent: Bool) throws(CryptokiError) -> [Slot] {
        try functions.slotList(tokenPresent: tokenPresent).map { Slot(module: self, id: $0) }
    }

    /// Whether a token was put in or taken out since this was asked last, as far as the module
    /// tells.
    ///
    /// The C function is `C_WaitForSlotEvent` with `CKF_DONT_BLOCK` (section 5.5). Many modules do
    /// not have it; they are asked for their slots instead.
    public func hasSlotEvent() -> Bool {
        (try? functions.slotEvent()) != nil
    }
}

let logger = Logger(label: "cryptoki")
