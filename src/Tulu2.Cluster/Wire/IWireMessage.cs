namespace Tulu2.Cluster.Wire;

/// <summary>A message that may cross from one node to another: <see cref="WireSerializer"/> knows it, and nothing else does cross.</summary>
internal interface IWireMessage;
