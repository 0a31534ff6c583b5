/// What a server answered.
package struct HTTPAnswer: Sendable, Hashable {
    /// The status, as 200.
    package let status: Int
    /// The media type in `Content-Type`, or nil.
    package let contentType: String?
    /// What the server's clock said (`Date`), in seconds since 1970-01-01 00:00 UTC, or nil.
    package let date: Int64?
    /// The body.
    package let body: [UInt8]
}
