internal import CTokencertP11Kit

extension ModuleInfo {
    init(_ info: CK_INFO) {
        cryptokiVersion = versionText(info.cryptokiVersion)
        manufacturer = paddedText(info.manufacturerID)
        libraryDescription = paddedText(info.libraryDescription)
        libraryVersion = versionText(info.libraryVersion)
    }
}
