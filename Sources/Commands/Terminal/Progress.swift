internal import Synchronization
internal import TokencertPlatform

/// What the program is at, as a person sees it on standard error while nothing else happens.
///
/// On a terminal it is one line that lives while the work goes on, and that stays where it took long
/// enough to be read. Elsewhere it is a line when the work begins.
final class Progress: Sendable {
    /// That of the process: there is one terminal.
    static let shared = Progress()

    /// How much is told.
    enum OutputStyle {
        /// Nothing.
        case quiet
        /// A line when something begins.
        case lines
        /// One line that is drawn again and again.
        case live
    }

    /// What is left where a person interrupts.
    struct InterruptionState {
        /// What state things are in: a sentence without a full stop.
        var state = "nothing was changed"
        /// What to type next.
        var hints = ["the same command does it from the beginning"]
    }

    private struct Work {
        let text: String
        let isToken: Bool
        let began: ContinuousClock.Instant
        /// Whether the live line is there now, and whether it ever was.
        var isDrawn = false
        var wasDrawn = false
        var hasTouchNotice = false
    }

    /// The state that the interruption handler reads. Its lock is never held during a write.
    private struct Summary {
        var isLive = false
        var interruptionState = InterruptionState()
        var doing: String?
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

    /// What is left where a person interrupts now, and what was being done.
    var interruptionState: (InterruptionState, doing: String?) {
        summary.withLock { ($0.interruptionState, $0.doing) }
    }

    /// Whether there may be a live line on the terminal.
    var isLive: Bool { summary.withLock { $0.isLive } }

    /// Sets what an interruption reports from now on. Call it before the step that the text
    /// describes.
    ///
    /// Does not return if the process is already ending: its report is fixed by then, so the step
    /// must not be taken.
    func setInterruptionState(_ text: String, hints: [String]) {
        let mayGoOn = summary.withLock { summary in
            guard !Interruption.isPending else { return false }
            summary.interruptionState = InterruptionState(state: text, hints: hints)
            return true
        }
        if !mayGoOn { Interruption.stopIfPending() }
    }

    /// Begins something; what was done before has ended well.
    ///
    /// - Parameters:
    ///   - text: What is done, as "writing the certificate".
    ///   - isToken: Whether a token does it, which may wait to be touched.
    ///   - isBrief: Whether it is told only once it takes longer than half a second.
    func begin(_ text: String, onToken isToken: Bool, isBrief: Bool = false) {
        // It may name what a token or a certificate says.
        let text = printable(text)
        state.withLock { state in
            end(&state, isDone: true)
            summary.withLock { $0.doing = text }
            state.work = Work(text: text, isToken: isToken, began: .now)
            switch state.style {
            case .quiet: return
            case .lines where !isBrief:
                writeError("… \(text)\n")
                state.work?.wasDrawn = true
            case .lines, .live: break
            }
            guard !state.isWatched else { return }
            state.isWatched = true
            repeatInBackground(everyMilliseconds: 100) { [self] in watch() }
        }
    }

    /// Ends what was begun, which has gone well.
    func finish() { state.withLock { end(&$0, isDone: true) } }

    /// Ends what was begun, which has not gone well.
    func abandon() { state.withLock { end(&$0, isDone: false) } }

    /// Writes lines to standard error where the live line would stand in their way.
    func interrupt(with text: String) {
        state.withLock { state in
            Self.clear(&state)
            writeError(text)
        }
    }

    private func watch() -> Bool {
        state.withLock { state in
            // After an interruption, only its report is written to the terminal.
            guard var work = state.work, !Interruption.isPending else {
                state.isWatched = false
                return false
            }
            state.turn += 1
            let time = ContinuousClock.now - work.began
            let isSilent = work.isToken && time > .seconds(5)
            if state.style == .live, time > .milliseconds(500) {
                work.isDrawn = true
                work.wasDrawn = true
                let sign = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")[state.turn % 10]
                let touch = isSilent ? "; touch the token if it blinks" : ""
                let text = "\(sign) \(work.text), \(time.components.seconds) s\(touch)"
                let width = terminalWidth(2) ?? 80
                writeError("\r\u{1B}[K" + fitted(text, width: width - 1))
            } else if state.style == .lines, !work.wasDrawn, time > .milliseconds(500) {
                work.wasDrawn = true
                writeError("… \(work.text)\n")
            } else if state.style == .lines, isSilent, !work.hasTouchNotice {
                work.hasTouchNotice = true
                writeError("  touch the token if it blinks\n")
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
            writeError("✓ \(work.text)" + (seconds > 0 ? ", \(seconds) s" : "") + "\n")
        }
        state.work = nil
        summary.withLock { $0.doing = nil }
    }
}

/// Does something of which a person is told while it takes long.
///
/// - Parameters:
///   - text: What is done, as "reading the token".
///   - isToken: Whether a token does it, which may wait to be touched.
///   - body: It.
func working<Result>(
    _ text: String, onToken isToken: Bool = true, _ body: () throws -> Result
) rethrows -> Result {
    Progress.shared.begin(text, onToken: isToken, isBrief: true)
    defer { Progress.shared.abandon() }
    return try body()
}
