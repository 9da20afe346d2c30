namespace Tulu2.Cluster.Messages;

/// <summary>A message that may cross nodes, serialized by <c>WireSerializer</c>; no other message can.</summary>
internal interface IWireMessage;
