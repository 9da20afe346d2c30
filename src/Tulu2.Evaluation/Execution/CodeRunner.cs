using System.Collections.Concurrent;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Execution;

/// <summary>
/// Runs programs in sandboxes, as many at once as there are processors. Nothing is started before it is needed; the first use tests the isolation
/// (docs/sandbox.md).
/// </summary>
public sealed class CodeRunner : ICodeRunner, IDisposable
{
    private readonly bool _allowUnsafe;
    private readonly Func<PythonInterpreter> _find;
    private readonly ConcurrentBag<Launcher> _idle = [];
    private readonly Lock _lock = new();
    private (PythonInterpreter Python, bool Isolated)? _proven;
    private volatile bool _disposed;

    /// <param name="allowUnsafe">
    /// Where programs cannot be isolated, run them without isolation instead of refusing: with limits of time, memory and system calls alone.
    /// </param>
    public CodeRunner(bool allowUnsafe)
        : this(allowUnsafe, PythonInterpreter.Find)
    {
    }

    internal CodeRunner(bool allowUnsafe, Func<PythonInterpreter> find) => (_allowUnsafe, _find) = (allowUnsafe, find);

    /// <summary>Tests whether programs can be isolated here, so that it is known before a model has written any. Again: does nothing.</summary>
    /// <returns>Whether they are; false only where that is allowed.</returns>
    /// <exception cref="BadInputException">There is no Python, or programs cannot be isolated and must be.</exception>
    public bool Prepare(CancellationToken cancellation = default)
    {
        lock (_lock)
        {
            if (_proven is { } proven) return proven.Isolated;
            var python = _find();
            var fault = Isolation.Test(() => Launcher.Start(python, isolated: true), cancellation);
            if (fault is not null && !_allowUnsafe) throw Isolation.Refusal(fault);
            _proven = (python, fault is null);
            return fault is null;
        }
    }

    public IReadOnlyList<CodeOutcome> Run(IReadOnlyList<CodeProgram> programs, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (programs.Any(program => program.Function.Length == 0)) throw new ArgumentException("a program names no function", nameof(programs));
        if (programs.Count == 0) return [];
        Prepare(cancellation);
        var outcomes = new CodeOutcome[programs.Count];
        var next = -1;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var faults = new ConcurrentQueue<Exception>();
        // Threads of their own: they wait for programs, which pool threads must not.
        var threads = Enumerable.Range(0, Math.Min(programs.Count, Environment.ProcessorCount))
            .Select(_ => new Thread(Work) { IsBackground = true, Name = "programs" }).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        cancellation.ThrowIfCancellationRequested();
        if (faults.TryDequeue(out var fault)) throw fault is SandboxException refused ? Isolation.Refusal(refused.Message) : fault;
        return outcomes;

        void Work()
        {
            try
            {
                for (var index = Interlocked.Increment(ref next); index < outcomes.Length; index = Interlocked.Increment(ref next))
                    outcomes[index] = RunOne(programs[index], stop.Token);
            }
            catch (Exception fault)
            {
                faults.Enqueue(fault);
                stop.Cancel();
            }
        }
    }

    public void Dispose()
    {
        _disposed = true;
        while (_idle.TryTake(out var launcher)) launcher.Dispose();
    }

    private CodeOutcome RunOne(CodeProgram program, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var (python, isolated) = _proven!.Value;
        var launcher = _idle.TryTake(out var idle) ? idle : Launcher.Start(python, isolated);
        try
        {
            return launcher.Run(program, cancellation);
        }
        finally
        {
            if (launcher.IsUsable && !_disposed) _idle.Add(launcher);
            else launcher.Dispose();
        }
    }
}
