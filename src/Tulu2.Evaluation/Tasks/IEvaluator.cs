using Tulu2.Data.Rows;

namespace Tulu2.Evaluation.Tasks;

/// <summary>Runs evaluation tasks with a model. Not thread-safe.</summary>
public interface IEvaluator : IDisposable
{
    /// <exception cref="Files.BadInputException">The task names something that cannot be used.</exception>
    /// <exception cref="Files.NonFiniteException">The model's weights are broken.</exception>
    EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation);

    /// <summary>Work on this model may come next: what takes long before its first item may begin. Returns at once; whether it is done makes no difference to any result.</summary>
    void Prepare(string model)
    {
    }

    /// <summary>Generates greedy answers to dialogues.</summary>
    /// <param name="model">Hugging Face directory.</param>
    /// <param name="prompts">Dialogues; each must leave room for an answer in the model's context.</param>
    /// <returns>[prompts] the answers.</returns>
    IReadOnlyList<string> Answer(string model, IReadOnlyList<IReadOnlyList<Message>> prompts, int maxTokens, CancellationToken cancellation);
}

/// <summary>Creates evaluators, in this process or each in a process of its own.</summary>
public interface IEvaluatorFactory
{
    IEvaluator Create();
}
