using Tulu2.Files;

namespace Tulu2.Evaluation.Generation;

/// <summary>What a caller waits for: some sequences, all of which must end.</summary>
internal abstract class EngineJob
{
    private int _left;

    /// <summary>In the order in which they are admitted.</summary>
    public abstract IReadOnlyList<EngineSequence> Sequences { get; }

    /// <summary>It ended, failed or was cancelled: what is left of its sequences is of no use.</summary>
    public abstract bool IsOver { get; }

    /// <summary>Sequences that have not been admitted.</summary>
    public int Waiting { get; set; }

    public abstract void Fail(Exception error);

    public abstract void Cancel(CancellationToken token);

    /// <summary>One of its sequences has ended.</summary>
    public void Ended()
    {
        if (++_left == Sequences.Count) Complete();
    }

    protected abstract void Complete();
}

/// <summary>The same with its result.</summary>
/// <param name="result">Of the sequences, once they have ended.</param>
internal sealed class EngineJob<T>(IReadOnlyList<EngineSequence> sequences, Func<T> result) : EngineJob
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _completion.Task;

    public override IReadOnlyList<EngineSequence> Sequences => sequences;

    public override bool IsOver => _completion.Task.IsCompleted;

    public override void Fail(Exception error) => _completion.TrySetException(error);

    public override void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);

    protected override void Complete() => _completion.TrySetResult(result());
}

/// <summary>A sequence of tokens that the engine computes: those that are given, and those that it chooses.</summary>
/// <param name="given">Not empty.</param>
/// <param name="firstNeeded">As <see cref="FirstNeeded"/>.</param>
/// <param name="location">For faults.</param>
internal abstract class EngineSequence(IReadOnlyList<int> given, int firstNeeded, string location)
{
    /// <summary>Set once the job is made.</summary>
    public EngineJob Job { get; set; } = null!;

    public List<int> Ids { get; } = [.. given];

    /// <summary>The first position after which logits are needed: up to it, tokens may come from the cache.</summary>
    public virtual int FirstNeeded => firstNeeded;

    /// <summary>Tokens that were found in the cache when it was admitted for the first time; null: it was not.</summary>
    public int? Cached { get; set; }

    public bool IsEnded { get; private set; }

    /// <summary>Logits after this position are wanted.</summary>
    public abstract bool Needs(int position);

    /// <summary>Takes the logits after a position; may add a token, or end the sequence.</summary>
    /// <exception cref="NonFiniteException">They are not finite.</exception>
    public void Take(int position, ReadOnlySpan<float> logits)
    {
        try
        {
            Accept(position, logits);
        }
        catch (ArithmeticException)
        {
            throw new NonFiniteException(location, $"after {position + 1} tokens the next one's logits are not finite", NonFiniteException.BrokenWeights);
        }
    }

    protected abstract void Accept(int position, ReadOnlySpan<float> logits);

    protected void End() => IsEnded = true;
}
