// what is fetched when it is needed; imports nothing that every node has
export { describeDialError } from './describe-dial-error.ts'
