internal import Dispatch
internal import FoundationEssentials

/// A private folder for the files of `openssl`, which is removed with this object.
final class WorkFolder: Sendable {
    let path: String

    init(in parent: String) throws(StandInError) {
        path = "\(parent)/work-\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw StandInError("cannot create \(path): \(error)")
        }
    }

    /// Removes the folders that a killed stand-in has left.
    static func removeAll(in parent: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix("work-") {
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file in the folder.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws(StandInError) -> String {
        do {
            try Data(bytes).write(to: URL(filePath: file(name)))
        } catch {
            throw StandInError("cannot write \(file(name)): \(error)")
        }
        return file(name)
    }

    /// Writes a text file and returns its path.
    @discardableResult
    func write(_ text: String, _ name: String) throws(StandInError) -> String {
        try write(Array(text.utf8), name)
    }

    /// The text of a file; empty if the file cannot be read.
    func text(_ name: String) -> String {
        let data = (try? Data(contentsOf: URL(filePath: file(name)))) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}

/// Runs a blocking function without blocking other requests.
func onAThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: .init(catching: body))
        }
    }
}
