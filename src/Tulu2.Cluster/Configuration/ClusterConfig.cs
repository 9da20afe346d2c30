using Akka.Configuration;

namespace Tulu2.Cluster.Configuration;

/// <summary>The settings of an actor system: those of its node's file over those built into the program.</summary>
public static class ClusterConfig
{
    /// <summary>The timings for processes of one host, <c>cluster-config/local.conf</c>, as HOCON.</summary>
    public static string LocalTimings => Resource("local.conf");

    /// <summary>All settings of a node. Settings from a file are for several machines, unless the file says otherwise.</summary>
    internal static Config EffectiveConfig(NodeSettings settings) => settings.Read().WithFallback(settings.Where.Length == 0 ? LocalConfig() : BaseConfig());

    /// <summary><c>cluster-config/base.conf</c>, which every file overrides.</summary>
    internal static Config BaseConfig() => ConfigurationFactory.ParseString(Resource("base.conf"));

    /// <summary>Settings of a process that is alone on its host.</summary>
    internal static Config LocalConfig() => ConfigurationFactory.ParseString(LocalTimings).WithFallback(BaseConfig());

    private static string Resource(string name)
    {
        using var stream = typeof(ClusterConfig).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
