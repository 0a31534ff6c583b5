internal import Synchronization
internal import TokencertPlatform

/// Shows the current work on standard error. On a terminal one line is updated while the work continues; it stays if the work took more than
/// half a second. Otherwise a line is written when the work begins.
final class Progress: Sendable {
    /// The only instance, since a process has one terminal.
    static let shared = Progress()

    enum OutputStyle {
        case quiet
        /// With a line when the work begins.
        case lines
        /// With one line that is updated.
        case live
    }

    /// What the user reads after an interruption.
    struct InterruptionState {
        /// The state of the work: a sentence without a full stop.
        var state = "nothing was changed"
        var hints = ["to start over, run the same command again"]
    }

    private struct Work {
        let text: String
        let isToken: Bool
        let began: ContinuousClock.Instant
        /// Whether the line is on the terminal now, and whether it was ever written.
        var isDrawn = false
        var wasDrawn = false
        var hasTouchNotice = false
        var hasShownNews = false
    }

    /// The state for the interruption handler. Its lock is never held during a write.
    private struct Summary {
        var isLive = false
        var interruptionState = InterruptionState()
        var doing: String?
        /// What happened during the work, or nil.
        var news: String?
    }

    private struct State {
        var style = OutputStyle.lines
        var work: Work?
        var isWatched = false
        var turn = 0
    }

    private let summary = Mutex(Summary())
    /// Held during writes to standard error, which may block indefinitely.
    private let state = Mutex(State())

    func setStyle(_ style: OutputStyle) {
        state.withLock { $0.style = style }
        summary.withLock { $0.isLive = style == .live }
    }

    var isQuiet: Bool { state.withLock { $0.style == .quiet } }

    /// What an interruption reports now, and the current work.
    var interruptionState: (InterruptionState, doing: String?) {
        summary.withLock { ($0.interruptionState, $0.doing) }
    }

    /// Whether a progress line may be on the terminal.
    var isLive: Bool { summary.withLock { $0.isLive } }

    /// Sets what an interruption reports. Call it before the step that the text describes. It does
    /// not return if an interruption is pending, so that no step is taken that is not reported.
    func setInterruptionState(_ text: String, hints: [String]) {
        let mayGoOn = summary.withLock { summary in
            guard !Interruption.isPending else { return false }
            summary.interruptionState = InterruptionState(state: text, hints: hints)
            return true
        }
        if !mayGoOn { Interruption.stopIfPending() }
    }

    /// Adds what happened during the current work to the line that shows it. It does not wait for the
    /// terminal, which may be stopped.
    func addNews(_ text: String) { summary.withLock { $0.news = text } }

    /// Shows that work begins, and marks the work before it as done. A token may wait for a touch; brief
    /// work is shown only if it takes longer than half a second.
    func begin(_ text: String, onToken isToken: Bool, isBrief: Bool = false) {
        // It may contain text from a token or a certificate.
        let text = printable(text)
        state.withLock { state in
            end(&state, isDone: true)
            summary.withLock { $0.doing = text }
            state.work = Work(text: text, isToken: isToken, began: .now)
            switch state.style {
            case .quiet: return
            case .lines where !isBrief:
                writeError("... \(text)\n")
                state.work?.wasDrawn = true
            case .lines, .live: break
            }
            guard !state.isWatched else { return }
            state.isWatched = true
            repeatInBackground(everyMilliseconds: 100) { [self] in watch() }
        }
    }

    func finish() { state.withLock { end(&$0, isDone: true) } }

    /// Ends the current work without marking it as done.
    func abandon() { state.withLock { end(&$0, isDone: false) } }

    /// Clears the progress line, and writes a text to standard error.
    func interrupt(with text: String) {
        state.withLock { state in
            Self.clear(&state)
            writeError(text)
        }
    }

    private func watch() -> Bool {
        state.withLock { state in
            // After an interruption only its message is written.
            guard var work = state.work, !Interruption.isPending else {
                state.isWatched = false
                return false
            }
            state.turn += 1
            let time = ContinuousClock.now - work.began
            let isSilent = work.isToken && time > .seconds(5)
            let news = summary.withLock { $0.news }
            let symbols = Symbols.inUse
            if state.style == .live, time > .milliseconds(500) {
                work.isDrawn = true
                work.wasDrawn = true
                let sign = symbols.spinner[state.turn % symbols.spinner.count]
                let touch = isSilent ? "; touch the token if it blinks" : ""
                let doing = work.text + (news.map { " ... \($0)" } ?? "")
                let text = "\(sign) \(doing), \(time.components.seconds) s\(touch)"
                let width = terminalWidth(2) ?? 80
                writeError("\r\u{1B}[K" + fitted(text, width: width - 1, symbols))
            } else if state.style == .lines, !work.wasDrawn, time > .milliseconds(500) {
                work.wasDrawn = true
                writeError("... \(work.text)\n")
            } else if state.style == .lines, isSilent, !work.hasTouchNotice {
                work.hasTouchNotice = true
                writeError("  touch the token if it blinks\n")
            } else if state.style == .lines, let news, !work.hasShownNews, time > .milliseconds(500)
            {
                work.hasShownNews = true
                writeError("  \(news)\n")
            }
            state.work = work
            return true
        }
    }

    private static func clear(_ state: inout State) {
        guard state.work?.isDrawn == true else { return }
        state.work?.isDrawn = false
        writeError("\r\u{1B}[K")
    }

    private func end(_ state: inout State, isDone: Bool) {
        Self.clear(&state)
        if let work = state.work, work.wasDrawn, isDone, state.style == .live {
            let seconds = (ContinuousClock.now - work.began).components.seconds
            writeError(
                "\(Symbols.inUse.done) \(work.text)" + (seconds > 0 ? ", \(seconds) s" : "") + "\n")
        }
        state.work = nil
        summary.withLock {
            $0.doing = nil
            $0.news = nil
        }
    }
}

/// Shows progress if the work takes longer than half a second.
func working<Result>(
    _ text: String, onToken isToken: Bool = true, _ body: () throws -> Result
) rethrows -> Result {
    Progress.shared.begin(text, onToken: isToken, isBrief: true)
    defer { Progress.shared.abandon() }
    return try body()
}
