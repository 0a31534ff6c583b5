internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Closes the connection instead of sending a marked answer.
final class ResettingHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The header that marks an answer. It is never sent.
    static let mark = HTTPField.Name("x-standin-reset")

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        if let mark = Self.mark, case .head(let head) = unwrapOutboundIn(data),
            head.headerFields[mark] != nil
        {
            context.close(promise: promise)
        } else {
            context.write(data, promise: promise)
        }
    }
}
