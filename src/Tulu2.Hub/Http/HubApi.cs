using System.Text.Json;
using Tulu2.Files;
using Tulu2.Hub.References;
using Tulu2.Hub.Settings;

namespace Tulu2.Hub.Http;

/// <summary>What a repository has at a commit.</summary>
internal sealed record RepositoryListing(string Commit, IReadOnlyList<string> Files);

/// <summary>The questions that are asked of a hub: which files a revision has, and what size and hash a file has.</summary>
internal sealed class HubApi(HubHttp http, HubSettings settings, HubTiming timing, Action<string> say)
{
    private const long LargestListing = 256L << 20;

    // Where there is no network, or the address is mistyped, nobody wants to wait for a minute.
    private const int FewTries = 3;

    /// <summary><c>GET /api/models/REPO/revision/REVISION</c>: <c>sha</c> and <c>siblings[].rfilename</c>.</summary>
    /// <exception cref="BadInputException">The hub refuses.</exception>
    /// <exception cref="HubException">There is no answer that could be used.</exception>
    public Task<RepositoryListing> ListAsync(HubReference reference, string revision, CancellationToken cancellation)
    {
        var kind = reference.Kind == RepositoryKind.Dataset ? "datasets" : "models";
        var address = http.Address($"api/{kind}/{reference.Repository}/revision/{Uri.EscapeDataString(revision)}");
        return AskAsync(HttpMethod.Get, address, reference, null, null, async (response, stop) =>
        {
            var bytes = await ContentAsync(response, stop);
            return bytes is null ? null : Parse(bytes);
        }, cancellation);
    }

    /// <summary><c>HEAD</c> of a file: its size and hash, from the headers of the hub itself.</summary>
    /// <exception cref="BadInputException">The hub refuses.</exception>
    /// <exception cref="HubException">There is no answer that could be used.</exception>
    public Task<FileFacts> FactsAsync(HubReference reference, string commit, string file, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Head, AddressOf(reference, commit, file), reference, file, FileFacts.AreIn,
            (response, _) => Task.FromResult(FileFacts.Read(file, response, commit)), cancellation);

    /// <summary>Where the hub has a file.</summary>
    public Uri AddressOf(HubReference reference, string commit, string file)
    {
        var path = string.Join('/', file.Split('/').Select(Uri.EscapeDataString));
        return http.Address($"{(reference.Kind == RepositoryKind.Dataset ? "datasets/" : "")}{reference.Repository}/resolve/{commit}/{path}");
    }

    private async Task<T> AskAsync<T>(HttpMethod method, Uri address, HubReference reference, string? file, Func<HttpResponseMessage, bool>? isEnd,
        Func<HttpResponseMessage, CancellationToken, Task<T?>> read, CancellationToken cancellation) where T : class
    {
        var retries = new Retries(file is null ? reference.RepositoryText : reference.TextOf(file), timing, say);
        while (true)
        {
            string why;
            TimeSpan? asked = null;
            Exception? fault = null;
            try
            {
                using var response = await http.SendAsync(method, address, null, isEnd, cancellation);
                var answer = http.Read(response);
                if (answer.Status < 400 && (RetryRule.Judge(answer) == Verdict.Take || isEnd?.Invoke(response) == true))
                {
                    if (await read(response, cancellation) is { } result) return result;
                    why = $"the answer of {address.Authority} is not that of a hub";
                }
                else if (RetryRule.Judge(answer) == Verdict.Refuse) throw Refusal.Of(answer, reference, file, settings);
                else (why, asked) = ($"{address.Authority} answers {answer.Status}", answer.Wait);
            }
            catch (Exception broken) when (NetworkFault.Of(broken) is { } words)
            {
                (why, fault) = ($"{address.Authority}: {words}", broken);
            }
            await retries.AgainAsync(why, asked, fault, cancellation, NetworkFault.IsUnreachable(fault) ? FewTries : RetryRule.MostFailures);
        }
    }

    private async Task<byte[]?> ContentAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var content = await response.Content.ReadAsStreamAsync(cancellation);
        using var memory = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (await http.ReadAsync(content, buffer, cancellation) is > 0 and var count)
        {
            await memory.WriteAsync(buffer.AsMemory(0, count), cancellation);
            if (memory.Length > LargestListing) return null;
        }
        return memory.ToArray();
    }

    // Null: not what a hub answers, or a name that would lead out of the cache.
    private static RepositoryListing? Parse(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var commit = document.RootElement.GetProperty("sha").GetString();
            List<string> files = [.. document.RootElement.GetProperty("siblings").EnumerateArray().Select(file => file.GetProperty("rfilename").GetString()!)];
            return commit is not null && HubReference.IsCommit(commit) && files.TrueForAll(SafePath.IsSafe) ? new RepositoryListing(commit, files) : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}
