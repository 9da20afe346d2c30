using Akka.Actor;
using Akka.Serialization;
using Tulu2.Cluster.Messages.Encoding;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>
/// Our serializer on a network that loses messages: what a seeded coin says arrives as nothing. The actor system's settings <c>tests.loss.seed</c> and
/// <c>tests.loss.share</c> set the coin; <see cref="Flip"/>, where there is one, takes its place.
/// </summary>
internal sealed class LossySerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private readonly WireSerializer _sound = new(system);
    private readonly Random _random = new(system.Settings.Config.GetInt("tests.loss.seed"));
    private readonly double _share = system.Settings.Config.GetDouble("tests.loss.share");

    /// <summary>Called for each message, from any thread; true: it is lost.</summary>
    public static Func<object, bool>? Flip { get; set; }

    public override int Identifier => _sound.Identifier;

    public override string Manifest(object obj) => _sound.Manifest(obj);

    public override byte[] ToBinary(object obj) => _sound.ToBinary(obj);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        var message = _sound.FromBinary(bytes, manifest);
        return (Flip is { } flip ? flip(message) : Toss()) ? Nothing.Instance : message;
    }

    private bool Toss()
    {
        lock (_random) return _random.NextDouble() < _share;
    }

    private sealed record Nothing : INoSerializationVerificationNeeded, Akka.Event.IDeadLetterSuppression
    {
        public static Nothing Instance { get; } = new();
    }
}
