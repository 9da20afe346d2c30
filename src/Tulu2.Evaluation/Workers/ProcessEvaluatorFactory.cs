using System.Collections.Concurrent;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Training.Hosting;

namespace Tulu2.Evaluation.Workers;

/// <summary>Makes evaluators that compute each in a process of its own, so that this one loads no libtorch.</summary>
/// <param name="program">How such a process is started.</param>
/// <param name="log">Takes what the processes print; null: nothing does.</param>
public sealed class ProcessEvaluatorFactory(WorkerProgram program, EvaluatorSettings settings, string? log) : IEvaluatorFactory
{
    private int _created;

    /// <summary>How long a process may give no sign of life, whatever it computes; then its evaluator fails.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The process is started at once, and takes a task as soon as it is ready.</summary>
    public IEvaluator Create() => new ProcessEvaluator(new HostedProcessSettings<EvaluatorReply>(
        program, $"evaluator {Interlocked.Increment(ref _created)}", EvaluatorCodecs.ChannelCodecs,
        new EvaluatorStart(settings), new EvaluatorCommand.Shutdown())
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
                EvaluatorReply.Failed failed => throw failed.ToException(),
                var other => throw new WorkerChannelException($"a {other.GetType().Name} came in place of a {typeof(T).Name}"),
            };
        }
        catch (OperationCanceledException)
        {
            // Its answer would be taken for that to the next command.
            _process.Kill();
            throw;
        }
    }

    private void Received(EvaluatorReply reply)
    {
        if (reply is not EvaluatorReply.Ready) _replies.Add(reply);
    }

    // Answers whoever waits, and whoever asks once more.
    private void Ended(string why, string detail)
    {
        _replies.Add(new EvaluatorReply.Failed(why, detail, null, null, false));
        _replies.CompleteAdding();
    }
}
