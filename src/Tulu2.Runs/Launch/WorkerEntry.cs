using System.Net;
using Tulu2.Collectives.Network;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers.Processes;

namespace Tulu2.Runs.Launch;

/// <summary><c>worker --socket PATH</c>: what a node starts for a rank. Not for people, and not in the help.</summary>
internal static class WorkerEntry
{
    private const string Name = "worker";

    /// <summary>How this program is started as a worker.</summary>
    public static WorkerProgram Program => new(ThisProgram.File, [.. ThisProgram.Arguments, Name]);

    public static bool IsMeant(string[] arguments) => arguments is [Name, "--socket", _];

    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments) => WorkerProcess.Run(arguments[2], start => new NetworkDataPlane(OptionsOf(start)));

    internal static NetworkDataPlaneOptions OptionsOf(WorkerStart start) => new()
    {
        Key = start.Key,
        ListenAddress = new IPEndPoint(AddressOf(start.ListenAddress), 0),
        Transport = start.Recipe.Parallel.Transport == RankTransport.Tcp ? Transport.Tcp : Transport.Auto,
        Log = Console.Error.WriteLine,
    };

    // A node is known by its host name where its certificate or a container network asks for it.
    private static IPAddress AddressOf(string host) => IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host)[0];
}
