/// A file that belongs to the set-up of a consumer.
package struct SetUpFile: Sendable {
    /// What is written.
    package enum Content: Sendable {
        /// A file of tokencert's own. A file of the user with this name is never overwritten.
        case own([UInt8])
        /// Lines that are added to a file of the user, between two marks.
        case block(lines: [String], at: Position)
        /// The whole content of an existing file of the user, such as a database, with the changes of a
        /// tool. A backup of the old content is kept.
        case changed([UInt8])
    }

    /// The position of a block in the file.
    package enum Position: Sendable {
        case beginning
        case end
    }

    /// The absolute path.
    package let path: String
    package let content: Content
    /// The permissions if the file does not exist.
    package let permissions: UInt32

    package init(_ path: String, _ content: Content, permissions: UInt32 = 0o600) {
        self.path = path
        self.content = content
        self.permissions = permissions
    }

    /// A file of tokencert's own with a text.
    package static func own(_ path: String, _ text: String, permissions: UInt32 = 0o600) -> Self {
        SetUpFile(path, .own(Array(text.utf8)), permissions: permissions)
    }
}
