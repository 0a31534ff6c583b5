/// Information about a module, `CK_INFO`.
public struct ModuleInfo: Sendable, Hashable {
    /// The version of Cryptoki that the module implements, such as `2.40`.
    public let cryptokiVersion: String
    /// The manufacturer of the module.
    public let manufacturer: String
    /// The description of the module.
    public let libraryDescription: String
    /// The version of the module, such as `2.6`.
    public let libraryVersion: String
}
