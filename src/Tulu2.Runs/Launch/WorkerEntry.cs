using System.Net;
using Tulu2.Collectives.Network;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Launch;

/// <summary><c>worker --socket PATH</c>: the worker process of a rank, started by a node. It is not in the help.</summary>
internal static class WorkerEntry
{
    private const string Name = "worker";

    /// <summary>Starts this program as a worker.</summary>
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

    // A node may be addressed by host name, for its certificate or in a container network.
    private static IPAddress AddressOf(string host) => IPAddress.TryParse(host, out var address) ? address : Dns.GetHostAddresses(host)[0];
}
