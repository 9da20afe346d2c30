using Akka.Actor;
using Akka.Configuration;
using Tulu2.Cluster.Messages;
using Tulu2.Files;

namespace Tulu2.Cluster.Configuration;

/// <summary>Checks settings and machine before the actor system starts, so that each fault is reported in the user's terms.</summary>
internal static class SettingsCheck
{
    private const string SeedsKey = "akka.cluster.seed-nodes";
    private const string RolesKey = "akka.cluster.roles";
    private const string TlsKey = "akka.remote.dot-netty.tcp.enable-ssl";
    private const string OpenKey = "tulu2.tls.off-beyond-loopback";

    /// <exception cref="BadInputException">A node cannot work with these settings.</exception>
    public static void Node(NodeSettings settings, Config config)
    {
        Roles(settings, config);
        var (host, port) = ListenAddress.Check(settings, config);
        Protection(settings, config);
        var seeds = Seeds(settings, config);
        if (seeds.Count == 0 && !config.GetStringList(RolesKey).Contains(ActorNames.CoordinatorRole))
            throw new BadInputException(settings.Locate(SeedsKey), "is empty, and this node does not coordinate: it would never join a cluster",
                $"write the addresses of the coordinators, such as {Example(UsesTls(settings, config))}");
        foreach (var seed in seeds.Where(seed => seed.Port == port && seed.Host != host && ListenAddress.IsSame(seed.Host!, host)))
            throw new BadInputException(settings.Locate(SeedsKey), $"'{seed}' is this node, which calls itself {host}: nodes must use the same spelling of an address",
                $"write {seed.WithHost(host)}, in this file and in those of the other nodes");
    }

    /// <summary>Addresses of the cluster for a process that is no node.</summary>
    /// <exception cref="BadInputException">They are missing or unusable.</exception>
    public static IReadOnlyList<Address> Client(NodeSettings settings, Config config) => Seeds(settings, config) is { Count: > 0 } seeds ? seeds
        : throw new BadInputException(settings.Locate(SeedsKey), "names no node of a cluster",
            $"write the addresses of its coordinators, such as {Example(UsesTls(settings, config))}");

    /// <summary>The addresses of the seed nodes.</summary>
    /// <exception cref="BadInputException">One of them cannot be a node of this cluster.</exception>
    private static IReadOnlyList<Address> Seeds(NodeSettings settings, Config config)
    {
        var tls = UsesTls(settings, config);
        return [.. List(settings, config, SeedsKey).Select(given => Seed(settings, given, tls))];
    }

    public static bool UsesTls(NodeSettings settings, Config config) => IsOn(settings, config, TlsKey, "write on, with tulu2.tls beside it, or off");

    // Without TLS whoever reaches the node can join the cluster, and read and change what ranks send each other.
    private static void Protection(NodeSettings settings, Config config)
    {
        if (UsesTls(settings, config) || ListenAddress.BeyondLoopback(config) is not { } open) return;
        if (config.HasPath(OpenKey) && IsOn(settings, config, OpenKey, "write on to leave the cluster open to whoever reaches it, or off")) return;
        throw new BadInputException(settings.Locate(open.Key), $"'{open.Host}' is reached by other machines, and TLS is off: whoever reaches it can join the cluster and read what ranks send each other",
            $"include tls.conf of cluster-config/ (`tulu2 cluster certificates` makes what it names); or write {OpenKey} = on where nobody else is on the network");
    }

    private static bool IsOn(NodeSettings settings, Config config, string key, string fix)
    {
        try
        {
            return config.GetBoolean(key);
        }
        catch (Exception error) when (error is not BadInputException)
        {
            throw new BadInputException(settings.Locate(key), $"wants on or off, not '{config.GetString(key)}'", fix, error);
        }
    }

    private static Address Seed(NodeSettings settings, string given, bool tls)
    {
        BadInputException Bad(string what, string fix) => new(settings.Locate(SeedsKey), $"'{given}' {what}", fix);
        if (!Address.TryParse(given, out var seed) || seed.Host is not { Length: > 0 } || seed.Port is not { } port)
            throw Bad("is not the address of a node", $"write {Example(tls)}");
        if (port is < 1 or > 65535) throw Bad($"has the port {port}", "write the port of its file, between 1 and 65535");
        if (seed.System != ActorNames.System)
            throw Bad($"names the actor system '{seed.System}', but that of every node is '{ActorNames.System}'", $"write {seed.WithSystem(ActorNames.System)}");
        var protocol = tls ? "akka.ssl.tcp" : "akka.tcp";
        if (seed.Protocol == protocol) return seed;
        throw seed.Protocol is "akka.tcp" or "akka.ssl.tcp"
            ? Bad(tls ? $"is an address without TLS, which {TlsKey} switches on" : $"is an address with TLS, which {TlsKey} does not switch on",
                $"write {seed.WithProtocol(protocol)}, or switch TLS {(tls ? "off" : "on")}, on all nodes alike")
            : Bad($"has the protocol '{seed.Protocol}'", $"write {seed.WithProtocol(protocol)}");
    }

    // Roles from the command line were checked when it was read.
    private static void Roles(NodeSettings settings, Config config)
    {
        if (settings.Roles is not null || settings.Text.Length == 0 || ConfigText.FileOf(RolesKey, settings.Text, settings.Where) is null) return;
        // A node with an unknown role would never get work.
        if (List(settings, config, RolesKey).FirstOrDefault(role => !ActorNames.Roles.Contains(role)) is { } unknown)
            throw new BadInputException(settings.Locate(RolesKey), $"there is no role '{unknown}'", $"write some of [{string.Join(", ", ActorNames.Roles.Select(role => $"\"{role}\""))}]");
    }

    private static IList<string> List(NodeSettings settings, Config config, string key)
    {
        if (!config.HasPath(key)) return [];
        // To the parser, anything else is an empty list.
        if (config.GetValue(key).IsArray()) return config.GetStringList(key);
        throw new BadInputException(settings.Locate(key), "is not a list", "write [\"one\", \"another\"]");
    }

    private static string Example(bool tls) => $"\"akka.{(tls ? "ssl." : "")}tcp://{ActorNames.System}@HOST:4053\"";
}
