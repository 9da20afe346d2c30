using Tulu2.Files;

namespace Tulu2.Hub.Http;

/// <summary>The tries of one request, or of one piece of a file: counts those in a row that bring nothing, waits, and gives up.</summary>
/// <param name="what">Names what is fetched.</param>
internal sealed class Retries(string what, HubTiming timing, Action<string> say)
{
    private static readonly TimeSpan WorthSaying = TimeSpan.FromSeconds(5);

    private int _failures;

    /// <summary>Something came: what failed before no longer counts.</summary>
    public void Progress() => _failures = 0;

    /// <summary>Waits for the next try.</summary>
    /// <param name="why">What went wrong, in lower case and without a full stop.</param>
    /// <param name="asked">How long the server asks to wait.</param>
    /// <param name="most">Failures in a row after which it is given up.</param>
    /// <exception cref="HubException">There were too many, or the server asks for too long.</exception>
    public async Task AgainAsync(string why, TimeSpan? asked, Exception? fault, CancellationToken cancellation, int most = RetryRule.MostFailures)
    {
        if (asked > RetryRule.LongestAsked)
            throw new HubException(what, $"{why}, and asks to wait for {NumberText.Duration(asked.Value.TotalSeconds)}",
                "start it again then; what has been fetched is kept", fault);
        if (++_failures >= most)
            throw new HubException(what, $"{why}; {most} tries in a row brought nothing",
                "check the network, HF_ENDPOINT and the proxy (HTTPS_PROXY), and start it again: what has been fetched is kept", fault);
        var wait = RetryRule.Wait(_failures, asked, timing.Spread());
        if (wait >= WorthSaying) say($"{what}: {why}; the next try is in {NumberText.Duration(Math.Ceiling(wait.TotalSeconds))}");
        await timing.Delay(wait, cancellation);
    }
}
