/// What a module says of itself, `CK_INFO`.
public struct ModuleInfo: Sendable, Hashable {
    /// The version of Cryptoki that the module follows, as `2.40`.
    public let cryptokiVersion: String
    /// Who made the module.
    public let manufacturer: String
    /// What the module is.
    public let libraryDescription: String
    /// The module's own version, as `2.6`.
    public let libraryVersion: String
}
