using System.Collections.Concurrent;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Tasks;
using Tulu2.Models.Torch;
using Tulu2.Training.Hosting;

namespace Tulu2.Evaluation.Workers;

/// <summary>The body of <c>tulu2 evaluator --socket PATH</c>: the evaluator's side of the channel.</summary>
public static class EvaluatorProcess
{
    /// <summary>Runs tasks until the node sends the shutdown command or is gone.</summary>
    /// <param name="socket">Path of the node's socket.</param>
    /// <param name="around">Put around the evaluator: what knows models that are no directories. Null: nothing.</param>
    /// <param name="shards">What starts the processes that hold parts of models, which may have to yield the processor as this one does; null: models are whole.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string socket, Func<IEvaluator, IEvaluator>? around = null, Func<bool, IShardHosting>? shards = null)
    {
        var parent = ParentChannel.Open(socket, EvaluatorCodecs.ChannelCodecs, new EvaluatorReply.Alive());
        if (parent.ReadStart<EvaluatorStart>() is not { } start) return ParentChannel.Orphaned;
        if (start.YieldsProcessor) IdlePriority.Enter();
        var commands = new BlockingCollection<EvaluatorCommand>();
        using var computing = new EvaluatorFactory(start.Settings, shards?.Invoke(start.YieldsProcessor)).Create();
        using var evaluator = around?.Invoke(computing) ?? computing;
        parent.Listen<EvaluatorCommand>(command =>
        {
            // Beside the task that it computes.
            if (command is EvaluatorCommand.Prepare next) evaluator.Prepare(next.Model);
            else commands.Add(command);
        });
        TorchRuntime.EnterRankThread();
        // The libraries of torch have started threads.
        if (start.YieldsProcessor) IdlePriority.Enter();
        parent.Send(new EvaluatorReply.Ready());
        foreach (var command in commands.GetConsumingEnumerable())
        {
            if (command is EvaluatorCommand.Shutdown) break;
            parent.Send(Reply(command, evaluator));
        }
        return 0;
    }

    private static EvaluatorReply Reply(EvaluatorCommand command, IEvaluator evaluator)
    {
        try
        {
            return command switch
            {
                EvaluatorCommand.Run run => new EvaluatorReply.Scored(evaluator.Run(run.Task, CancellationToken.None)),
                EvaluatorCommand.Answer ask => new EvaluatorReply.Answered(evaluator.Answer(ask.Model, ask.Prompts, ask.MaxTokens, CancellationToken.None)),
                _ => throw new WorkerChannelException($"an evaluator received an unknown command: {command.GetType().Name}"),
            };
        }
        catch (Exception fault)
        {
            return new EvaluatorReply.Failed(ProcessFailure.Of(fault));
        }
    }
}
