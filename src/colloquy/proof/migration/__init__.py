"""The migration under fire: a V1 table is moved to V2 and all the way back while it is in use.

`proof` begins it. `walk` leads a real server through every stage, with two programs that write and
read the tables (`program`), workers that move and compare (`mover`) and clients of both versions
(`callers`). All of them are killed again and again; either write is made to fail, and rows are
spoilt behind everybody's back (`damage`). `truth` has what was accepted, and what was answered
before it began. Nothing is imported here: what is killed has to be started again soon.
"""
