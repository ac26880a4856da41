/**
 * Why a connection was closed
 *
 * - `trim` there were too many
 * - `evict` it made room for a better one, or for a realm whose limit was lowered
 * - `refuse` it was open already when it turned out that there is no room for it
 * - `ban` the peer or its address was banned
 * - `dead` nothing was heard any more
 * - `idle` no application used it
 * - `replaced` the peer has a better connection
 * - `surplus` the outbound target, or a feeler, needs it no more
 * - `recycle` it was closed to be replaced
 * - `hang-up` the user closed the connections of the peer
 * - `stop` the node was stopped
 * - `remote` the remote closed it, or a part of this process that did not ask us
 * - `error` it failed, or the remote hung up without a word
 */
export type CloseReason = 'trim' | 'evict' | 'refuse' | 'ban' | 'dead' | 'idle' | 'replaced' | 'surplus' | 'recycle' | 'hang-up' | 'stop' | 'remote' | 'error'
