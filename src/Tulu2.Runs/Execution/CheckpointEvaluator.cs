using Tulu2.Data.Rows;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Runs.Execution;

/// <summary>Lets an evaluator score models that are checkpoints of runs (<see cref="Evaluations.CheckpointName"/>).</summary>
internal sealed class CheckpointEvaluator(IEvaluator evaluator, CheckpointModels models) : IEvaluator
{
    /// <summary>For an evaluator's process.</summary>
    public static IEvaluator Around(IEvaluator evaluator) => new CheckpointEvaluator(evaluator, new CheckpointModels(Console.Error.WriteLine));

    public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation) => evaluator.Run(task with { Model = models.Find(task.Model) }, cancellation);

    public void Prepare(string model) => models.Prepare(model);

    public IReadOnlyList<string> Answer(string model, IReadOnlyList<IReadOnlyList<Message>> prompts, int maxTokens, CancellationToken cancellation) =>
        evaluator.Answer(models.Find(model), prompts, maxTokens, cancellation);

    public void Dispose()
    {
        evaluator.Dispose();
        models.Dispose();
    }
}
