namespace Tulu2.Evaluation.Generation;

/// <summary>Calls of an engine by callers with a thread of their own, which waits.</summary>
internal static class EngineCalls
{
    /// <summary>Starts some calls and waits for all of them. If one fails or is cancelled, the others end too.</summary>
    /// <returns>In order.</returns>
    public static IReadOnlyList<TResult> Wait<TInput, TResult>(IReadOnlyList<TInput> inputs, Func<TInput, CancellationToken, Task<TResult>> start,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            var tasks = inputs.Select(input => start(input, all.Token)).ToArray();
            return [.. tasks.Select(task => task.GetAwaiter().GetResult())];
        }
        catch
        {
            all.Cancel();
            cancellation.ThrowIfCancellationRequested();
            throw;
        }
    }
}
