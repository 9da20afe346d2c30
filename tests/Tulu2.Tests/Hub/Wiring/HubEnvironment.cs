using Xunit;

namespace Tulu2.Tests.Hub.Wiring;

/// <summary>The variables of a hub, for the tests of this collection alone: no other test reads them.</summary>
[CollectionDefinition(Name)]
public sealed class HubEnvironment
{
    public const string Name = "environment of a hub";

    private static readonly string[] Names = ["HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE", "HF_TOKEN_PATH"];

    /// <summary>Sets them until the answer is disposed of.</summary>
    internal static IDisposable Set(string endpoint, string home)
    {
        var before = Names.ToDictionary(name => name, Environment.GetEnvironmentVariable);
        foreach (var name in Names) Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("HF_ENDPOINT", endpoint);
        Environment.SetEnvironmentVariable("HF_HOME", home);
        return new Restored(before);
    }

    private sealed class Restored(Dictionary<string, string?> before) : IDisposable
    {
        public void Dispose()
        {
            foreach (var (name, value) in before) Environment.SetEnvironmentVariable(name, value);
        }
    }
}
