namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Generates and scores for many callers at once: each request joins the running batch as soon as there is room for it. All members may be called from any
/// thread. A request's result depends only on the request, never on what else runs.
/// </summary>
public interface IGenerationEngine : IDisposable
{
    /// <summary>Maximum number of tokens of prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>Ids from 0 to below this can be in a prompt.</summary>
    int VocabularySize { get; }

    /// <summary>A snapshot of what the engine does, for a server's metrics.</summary>
    EngineMetrics Metrics { get; }

    /// <summary>Queues a request. Its samples share the computation of the prompt.</summary>
    /// <param name="cancellation">Ends the request at once and frees its room; the task is then cancelled.</param>
    /// <returns>
    /// The result. It fails with what <see cref="EngineRequest.OnToken"/> throws, and with <see cref="Files.NonFiniteException"/> where the weights are broken;
    /// other requests go on.
    /// </returns>
    /// <exception cref="Files.BadInputException">An option is out of range, an id is not in the vocabulary, or the prompt fills the context.</exception>
    /// <exception cref="EngineBusyException"><see cref="EngineSettings.MaxWaiting"/> requests wait already.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    Task<EngineResult> SubmitAsync(EngineRequest request, CancellationToken cancellation = default);

    /// <summary>Log-probabilities of continuations of a prompt, which is computed once.</summary>
    /// <param name="prompt">Not empty.</param>
    /// <param name="continuations">Not empty, and none of them is.</param>
    /// <returns>In the order of the continuations.</returns>
    /// <exception cref="Files.BadInputException">An id is not in the vocabulary, or a continuation does not fit into the context.</exception>
    /// <exception cref="EngineBusyException">As <see cref="SubmitAsync"/>.</exception>
    Task<IReadOnlyList<ContinuationScore>> ScoreAsync(int[] prompt, IReadOnlyList<int[]> continuations, CancellationToken cancellation = default);

    /// <summary>Log-probabilities (natural logarithm) of ids as the next token after a prompt.</summary>
    /// <returns>In the order of <paramref name="ids"/>.</returns>
    /// <exception cref="Files.BadInputException">An id is not in the vocabulary, or the prompt is empty or exceeds the context.</exception>
    /// <exception cref="EngineBusyException">As <see cref="SubmitAsync"/>.</exception>
    Task<IReadOnlyList<float>> NextTokenAsync(int[] prompt, IReadOnlyList<int> ids, CancellationToken cancellation = default);
}

/// <summary>The log-probability of a continuation.</summary>
/// <param name="Sum">Natural logarithm, summed over its tokens.</param>
/// <param name="Tokens">[tokens] of the continuation.</param>
/// <param name="IsGreedy">Each of its tokens is the most likely one (lm-evaluation-harness' <c>is_greedy</c>).</param>
public sealed record ContinuationScore(double Sum, IReadOnlyList<float> Tokens, bool IsGreedy);

/// <summary>As many requests wait as the engine takes; a server answers 429.</summary>
public sealed class EngineBusyException(int waiting) : Exception($"{waiting} requests wait already")
{
    public int Waiting { get; } = waiting;
}
