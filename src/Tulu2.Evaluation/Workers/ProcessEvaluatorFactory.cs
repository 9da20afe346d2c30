using System.Collections.Concurrent;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Training.Hosting;

namespace Tulu2.Evaluation.Workers;

/// <summary>Creates evaluators that each compute in a process of their own, so that this process does not load libtorch.</summary>
/// <param name="program">The program to start.</param>
/// <param name="log">Path of the file to which the output of the processes is appended; null: it is discarded.</param>
public sealed class ProcessEvaluatorFactory(WorkerProgram program, EvaluatorSettings settings, string? log) : IEvaluatorFactory
{
    private int _created;

    /// <summary>Maximum time without a heartbeat, whatever the process is doing; after it the evaluator fails.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Evaluators compute only while nobody else wants the processor: beside the ranks of a run.</summary>
    public bool YieldsProcessor { get; init; }

    /// <summary>Starts the process without waiting for it; its first task runs once it is ready.</summary>
    public IEvaluator Create() => new ProcessEvaluator(new HostedProcessSettings<EvaluatorReply>(
        program, $"evaluator {Interlocked.Increment(ref _created)}", EvaluatorCodecs.ChannelCodecs,
        new EvaluatorStart(settings, YieldsProcessor), new EvaluatorCommand.Shutdown())
    {
        Log = log,
        ShutdownPatience = TimeSpan.FromSeconds(5),
        Patience = Patience,
        IsAlive = message => message is EvaluatorReply.Alive,
        IsReady = message => message is EvaluatorReply.Ready,
    });
}

/// <summary>The node's side of an evaluator process. Once the process has ended, every call fails.</summary>
internal sealed class ProcessEvaluator : IEvaluator
{
    private readonly HostedProcess<EvaluatorReply> _process;
    private readonly BlockingCollection<EvaluatorReply> _replies = [];

    public ProcessEvaluator(HostedProcessSettings<EvaluatorReply> settings) => _process = new HostedProcess<EvaluatorReply>(settings, Received, Ended);

    public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation) =>
        Ask<EvaluatorReply.Scored>(new EvaluatorCommand.Run(task), cancellation).Outcome;

    public void Prepare(string model) => _process.Send(new EvaluatorCommand.Prepare(model));

    public IReadOnlyList<string> Answer(string model, IReadOnlyList<IReadOnlyList<Message>> prompts, int maxTokens, CancellationToken cancellation) =>
        Ask<EvaluatorReply.Answered>(new EvaluatorCommand.Answer(model, prompts, maxTokens), cancellation).Texts;

    public void Dispose() => _process.Dispose();

    private T Ask<T>(EvaluatorCommand command, CancellationToken cancellation) where T : EvaluatorReply
    {
        _process.Send(command);
        try
        {
            return _replies.Take(cancellation) switch
            {
                T answer => answer,
                EvaluatorReply.Failed failed => throw failed.Failure.ToException(),
                var other => throw new WorkerChannelException($"received a {other.GetType().Name} instead of a {typeof(T).Name}"),
            };
        }
        catch (OperationCanceledException)
        {
            // Otherwise the late answer would be taken for that to the next command.
            _process.Kill();
            throw;
        }
    }

    private void Received(EvaluatorReply reply)
    {
        if (reply is not EvaluatorReply.Ready) _replies.Add(reply);
    }

    // Fails a waiting call; completing the queue fails all later calls.
    private void Ended(string why, string detail)
    {
        _replies.Add(new EvaluatorReply.Failed(new ProcessFailure(why, detail, null, null, false)));
        _replies.CompleteAdding();
    }
}
