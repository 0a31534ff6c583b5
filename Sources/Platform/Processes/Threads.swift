internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Starts a detached thread with all signals blocked, so that signals that a module uses are never
/// delivered to it. Returns whether it was started.
@discardableResult
package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    guard let thread = quietThread(body) else { return false }
    thread.detach()
    return true
}

/// Starts a thread with all signals blocked; nil if that is not possible.
private func quietThread(_ body: @escaping @Sendable () -> Void) -> Thread? {
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    return Thread(body)
}

/// Calls a function for each element, all at the same time, each on its own thread and the first on
/// the calling thread. Returns the results in the order of the elements.
package func sideBySide<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) -> Result
) -> [Result] {
    let results = Mutex<[Int: Result]>([:])
    @Sendable func call(_ index: Int) {
        let result = body(elements[index])
        results.withLock { $0[index] = result }
    }
    let threads = elements.indices.dropFirst().map { index in
        (index: index, thread: Thread { call(index) })
    }
    if !elements.isEmpty { call(0) }
    for (index, thread) in threads {
        if let thread { thread.join() } else { call(index) }
    }
    return results.withLock { found in elements.indices.compactMap { found[$0] } }
}

/// Maps elements, in their order, on two threads if there are many, half of them on each.
package func mapSideBySide<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) -> Result
) -> [Result] {
    // For fewer, starting a thread takes longer than the work.
    guard elements.count >= 200 else { return elements.map(body) }
    let middle = elements.count / 2
    let processing = ProcessingBeside<ArraySlice<Element>, [Result]> { $0.map(body) }
    let first = processing.add(elements[..<middle])
    return (first + processing.end(with: elements[middle...])).flatMap { $0 }
}

/// Processes one value after the other on a second thread, while the calling thread gets the next one. The
/// last value is processed on the calling thread, beside the one before it.
///
/// At most one value waits at a time, so the memory does not grow with the number of values.
package final class ProcessingBeside<Input: Sendable, Output: Sendable> {
    private final class Answer: Sendable {
        let output = Mutex<Output?>(nil)
    }

    private let process: @Sendable (Input) -> Output
    private var running: (thread: Thread, answer: Answer)?

    package init(_ process: @escaping @Sendable (Input) -> Output) {
        self.process = process
    }

    deinit {
        running?.thread.join()
    }

    /// Waits for the previous value, and starts to process this one.
    ///
    /// - Returns: The outputs that the caller has not received yet, in the order of the inputs.
    package func add(_ input: Input) -> [Output] {
        var outputs = wait()
        let (process, answer) = (process, Answer())
        let thread = quietThread {
            let output = process(input)
            answer.output.withLock { $0 = output }
        }
        if let thread { running = (thread, answer) } else { outputs.append(process(input)) }
        return outputs
    }

    /// Processes the last value on the calling thread.
    ///
    /// - Returns: The outputs that the caller has not received yet, in the order of the inputs.
    package func end(with input: Input) -> [Output] {
        let last = process(input)
        return wait() + [last]
    }

    private func wait() -> [Output] {
        guard let (thread, answer) = running else { return [] }
        thread.join()
        running = nil
        return answer.output.withLock { $0.take().map { [$0] } ?? [] }
    }
}

/// A thread that runs a function. Detach or join it once.
@safe private struct Thread {
    private let identifier: pthread_t

    /// Starts the thread; nil if that is not possible.
    init?(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let box = unsafe Unmanaged.passRetained(Box(body))
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        // As for the main thread: some systems give others 128 KiB, which is not enough for all modules.
        unsafe pthread_attr_setstacksize(&attributes, 8 << 20)
        #if canImport(Darwin)
            var started: pthread_t?
            let status = unsafe pthread_create(
                &started, &attributes,
                { argument in
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, box.toOpaque())
            guard status == 0, let started = unsafe started else {
                unsafe box.release()
                return nil
            }
            unsafe identifier = started
        #else
            var started = pthread_t()
            let status = unsafe pthread_create(
                &started, &attributes,
                { argument in
                    guard let argument = unsafe argument else { return nil }
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, box.toOpaque())
            guard status == 0 else {
                unsafe box.release()
                return nil
            }
            identifier = started
        #endif
    }

    func detach() {
        #if canImport(Darwin)
            unsafe pthread_detach(identifier)
        #else
            pthread_detach(identifier)
        #endif
    }

    /// Waits until the function has returned.
    func join() {
        pthread_join(identifier, nil)
    }
}

/// Calls a function repeatedly on a separate thread until it returns false.
package func repeatInBackground(
    everyMilliseconds milliseconds: UInt32, _ body: @escaping @Sendable () -> Bool
) {
    startThread {
        repeat { usleep(milliseconds * 1000) } while body()
    }
}

/// Exits silently with status 0 after a time, even if a thread hangs. Use it only in a process that
/// changes nothing and never logs in.
package func endProcess(afterMilliseconds milliseconds: UInt32) {
    repeatInBackground(everyMilliseconds: milliseconds) { _exit(0) }
}
