// No objects: one with the fields of an event in their order would have the same hidden class as events that are made
// as literals elsewhere, and V8 would compile the code that reads it over and over.
export const idTag = 0x0a;
export const typeTag = 0x12;
export const timestampTag = 0x18;
export const sourceTag = 0x22;
export const metadataTag = 0x2a;
export const payloadTag = 0x32;
export const confidenceTag = 0x3d;
export const tagsTag = 0x42;
export const priorityTag = 0x48;
export const pairKeyTag = 0x0a;
export const pairValueTag = 0x12;
export const batchItemTag = 0x12;
export const itemTopicTag = 0x0a;
export const itemEventTag = 0x12;
export const itemIdTag = 0x1a;
export const itemTypeTag = 0x22;
export const itemKeyTag = 0x2a;
