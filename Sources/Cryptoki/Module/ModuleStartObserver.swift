/// An observer that is notified when a module is loaded and when it is initialised.
///
/// Some modules write to standard error at these times (tpm2-pkcs11 1.9 without a TPM: 15 lines).
public protocol ModuleStartObserver {
    /// Called before a module is loaded or initialised. ``moduleDidStart(_:_:)`` follows on the
    /// same thread, with no other module in between.
    ///
    /// - Parameter name: The name of the module in p11-kit's configuration or its path, or
    ///   `p11-kit` while p11-kit loads all configured modules or they start together. A module that p11-kit runs in
    ///   another program (`remote:`) is not reported.
    func moduleWillStart(_ name: String)

    /// Called after a module was loaded or initialised, or could not be.
    ///
    /// - Parameters:
    ///   - name: The name passed to ``moduleWillStart(_:)``.
    ///   - error: Why the module cannot be used, or nil.
    func moduleDidStart(_ name: String, _ error: CryptokiError?)
}

/// Runs a closure that starts a module, and notifies the observer.
func observed<Result>(
    _ name: String, by observer: (any ModuleStartObserver)?,
    _ start: () throws(CryptokiError) -> Result
) throws(CryptokiError) -> Result {
    guard let observer else { return try start() }
    observer.moduleWillStart(name)
    do throws(CryptokiError) {
        let result = try start()
        observer.moduleDidStart(name, nil)
        return result
    } catch {
        observer.moduleDidStart(name, error)
        throw error
    }
}
