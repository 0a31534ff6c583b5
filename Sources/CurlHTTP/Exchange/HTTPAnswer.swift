/// An HTTP response.
package struct HTTPAnswer: Sendable, Hashable {
    package let status: Int
    package let contentType: String?
    /// The absolute URL that a redirect names, or nil.
    package let redirect: String?
    /// The time in the `Date` header, in seconds since 1970-01-01 00:00 UTC.
    package let date: Int64?
    package let body: [UInt8]
}
